"""Whole numbers have no decimals unless they are asked for; words stand where they can be read."""

import pandas as pd

from book import tables

FRAME = pd.DataFrame({"n": [1_000.4], "note": ["a word"]}, ["a"])


def test_numbers_have_no_decimals_unless_they_are_asked_for():
    assert tables.number(1_000.4) == "1,000"
    assert tables.numbers(FRAME[["n"]]).loc["a", "n"] == "1,000"
    assert tables.numbers(FRAME[["n"]], 1).loc["a", "n"] == "1,000.4"


def test_rows_keep_their_names():
    assert tables.numbers(FRAME[["n"]]).index.tolist() == ["a"]


def test_notes_and_text_are_told_apart_by_the_style_of_the_page():
    assert '<table id="' in (notes := tables.with_notes(FRAME).to_html())
    assert 'class="dataframe notes"' in notes
    assert 'class="dataframe text"' in tables.text(FRAME).to_html()
