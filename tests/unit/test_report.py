"""The model card's Markdown, rendered: names come from the data, and a level may hold anything."""

import html
import re

import numpy as np
import pytest
from markdown_it import MarkdownIt
from reports import report
from serving_cases import ATTR_A, ATTR_B, predictor

from data_science.evaluation.performance import GroupPerformance, Performance
from data_science.formula.encoding import Coding, Encoding, Term
from data_science.formula.specification import ModelSpecification
from data_science.prediction.combinations import Combinations
from data_science.report.card import Table, _markdown, _performance, code, model_card, number, sentence

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


@pytest.mark.parametrize("unseen", ["population", "refuse"])
def test_the_card_says_what_becomes_of_a_new_combination_of_two_common_effects(unseen):
    one = Combinations(("attr_a", "attr_b"), (5, 4), np.arange(20) > 0)
    encoding = Encoding(
        (
            Term("Intercept"),
            Term("attr_a", codings=(Coding(ATTR_A, True),)),
            Term("attr_b", codings=(Coding(ATTR_B, True),)),
            Term("1|attr_a:attr_b", groups=(ATTR_A, ATTR_B)),
        )
    )
    model = predictor(encoding, unseen=unseen, combinations=(one,))

    card = model_card(report(predictor=model))

    assert "An unseen level of `attr_a` and `attr_b` is refused." in card
    assert ("An unseen combination of `attr_a:attr_b` is refused." in card) is (unseen == "refuse")
    assert ("An unseen group gets the population effect." in card) is (unseen == "population")


def test_the_card_speaks_of_one_offset_or_of_two():
    for formula, said in [
        (
            "label ~ scd_a + offset(z)",
            "`offset(z)` is added to the logit as it is, and every prediction needs it.",
        ),
        (
            "label ~ scd_a + offset(z) + offset(w)",
            "`offset(z)` and `offset(w)` are added to the logit as they are, and every prediction needs them.",
        ),
    ]:
        assert said in model_card(report(specification=ModelSpecification(formula)))
