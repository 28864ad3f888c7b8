"""Numbers that line up."""

import pandas as pd
import pytest

from book import tables


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [(46_034.12, 1, "46,034.1"), (-2.5, 1, "\N{MINUS SIGN}2.5"), (-0.04, 1, "0.0"), (7, 0, "7")],
)
def test_a_number_has_thousands_and_a_true_minus_but_no_negative_zero(value, digits, written):
    assert tables.number(value, digits) == written


def test_columns_have_their_own_decimals_and_only_those_asked_for_are_shown():
    frame = pd.DataFrame({"n": [1_000.0], "share": [0.25], "other": ["x"]}, index=["a"])

    found = tables.numbers(frame, {"n": 0, "share": 2})

    assert found.columns.tolist() == ["n", "share"]
    assert found.loc["a"].tolist() == ["1,000", "0.25"]


def test_text_is_shown_to_its_end():
    formula = "label ~ 1 + " + " + ".join(f"x{i}" for i in range(50))

    assert formula in tables.text(pd.DataFrame({"formula": [formula]})).to_html()
