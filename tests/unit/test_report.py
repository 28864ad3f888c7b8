"""The model card's Markdown, rendered: names come from the data, and a level may hold anything."""

import html
import re

import numpy as np
import pytest
from markdown_it import MarkdownIt

from data_science.evaluation.performance import GroupPerformance, Performance
from data_science.report.card import Table, _markdown, _performance, code, number, sentence

NAMES = {
    "a group": "1|attr_b[a]",
    "a backtick": "1|attr_b[`]",
    "backticks": "``x`` `",
    "HTML": "x`<img src=x onerror=alert(1)>`y",
    "a bar": "a|b\\|c",
    "emphasis": "**_a_** [b](c)",
}


def codes(rendered: str) -> list[str]:
    return [html.unescape(code) for code in re.findall("<code>(.*?)</code>", rendered)]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_shown_as_it_is(name):
    markdown = MarkdownIt().enable("table")
    table = _markdown(Table(("", "mean"), ((code(name), "0.5"),)))

    for rendered in (markdown.render(table), markdown.render(f"- worst r_hat ({code(name)})")):
        assert codes(rendered) == [name]
        assert "<img" not in rendered
    assert markdown.render(table).count("<td") == 2


def test_a_group_of_one_row_has_an_empty_cell_for_its_score():
    groups = tuple(
        GroupPerformance("x", level, n, (0.0, 0.5, 1.0), 0.5, 1.0, se)
        for level, n, se in (("1", 1, np.nan), ("2", 8, 0.25))
    )

    *_, table = _performance(Performance(9, 2.0, 0.5, None, groups))

    assert [row[-1] for row in table.rows] == ["", "1.0 (0.5)"]


def test_what_cannot_be_printed_is_escaped():
    assert code("p\nq\u2028\x00") == r"`p\nq\u2028\x00`"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(np.pi, "3.142"), (1.23456e-6, "1.235e-06"), (-46_034.4, "-46,034"), (1.0, "1.000"), (999.99, "1,000")],
)
def test_a_number_has_four_significant_digits_and_writes_thousands_out(value, shown):
    assert number(value) == shown


def test_a_sentence_keeps_its_capitals():
    assert sentence("elpd difference 1.2 (SE 3.1)") == "Elpd difference 1.2 (SE 3.1)."
