"""Candidates, the one that is added for what the best has missed, and the verdict on what is best then."""

from dataclasses import replace
from unittest.mock import Mock

import pytest

from data_science import ModelSpecification, compare, selection
from data_science.errors import GateError, SchemaError
from data_science.judgement.expansion import expanded
from tests.held_verdicts import SEEN, verdict
from tests.trust.known_tables import world

BLIND, LINES = ModelSpecification("label ~ 1"), ModelSpecification("label ~ scd_a + scd_b")
BENT = "label ~ scd_b + bs(scd_a, df=5)"


def test_a_bend_that_all_candidates_miss_is_added_and_what_is_best_then_is_checked():
    frame = world("bend", 2_500)

    found = compare([BLIND, LINES], frame)

    assert found.proposed == {BENT: LINES.formula}
    assert found.names[0] == BENT
    assert found.verdicts[LINES.formula].form == "wrong"
    assert (found.verdict.features, found.verdict.form, found.verdict.n_candidates) == ("add", "holds", 3)
    said = " ".join(found.sentences)
    assert f"{BENT!r} was added since this is held of {LINES.formula!r}: The model's form is wrong" in said
    assert f"This is held of {BENT!r}: The features improve predictions" in said


def test_a_form_that_holds_is_left_as_it_is_and_nothing_is_added_that_was_not_asked_for(monkeypatch):
    assert compare([BLIND, LINES], world("signal", 1_000)).proposed == {}
    noise = compare([BLIND, LINES], world("noise", 300), expand=False)
    assert noise.names[0] == BLIND.formula
    assert noise.judged == LINES.formula  # of no features nothing is held
    assert "put features into the formula" not in noise.verdict.advice
    monkeypatch.setattr(selection, "_verdict_on", lambda *_: WRONG)

    assert compare([BLIND, LINES], world("signal", 300), expand=False).proposed == {}


def test_what_is_said_of_a_candidate_that_was_added_is_the_form_that_was_missed_though_another_warns():
    missed = replace(WRONG, leaks=("scd_a",))
    made = selection.Selection({}, {}, {}, verdicts={"y ~ x": missed}, proposed={BENT: "y ~ x"})

    assert "is held of 'y ~ x': The model's form is wrong" in made.added


def test_the_loop_ends_where_what_was_added_does_not_help_or_cannot_be_fitted(monkeypatch):
    frame = world("noise", 300)
    monkeypatch.setattr(selection, "_verdict_on", lambda *_: WRONG)
    assert list(compare([BLIND, LINES], frame).proposed) == [BENT]  # and then the best is what it was

    for refusal in (GateError("k-hat is 0.9"), SchemaError("a knot is on the boundary")):
        monkeypatch.setattr(selection, "posterior_on", Mock(side_effect=refusal))
        found = compare([BLIND, LINES], frame)
        assert found.proposed == {}
        assert set(found.names) == {BLIND.formula, LINES.formula}


WRONG = verdict(form="wrong", form_seen=SEEN | {"suggestion": "bs(scd_a, df=5)", "worst_column": ["scd_a"]})


@pytest.mark.parametrize(
    ("formula", "term", "expected"),
    [
        ("label ~ 1 + scd_a + scd_b", "bs(scd_a, df=5)", "label ~ 1 + scd_b + bs(scd_a, df=5)"),
        ("label ~ (scd_a | g) + scd_b", "bs(scd_a, df=5)", "label ~ (scd_a | g) + scd_b + bs(scd_a, df=5)"),
        ("y ~ I(a + b) + `a + b`", "bs(`a + b`, df=5)", "y ~ I(a + b) + bs(`a + b`, df=5)"),
        ("y ~ a + b", "a:b", "y ~ a + b + a:b"),
        ("choice['a~b'] ~ a", "bs(a, df=5)", "choice['a~b'] ~ bs(a, df=5)"),
        ("y ~ bs(a, df=5) + b", "bs(a, df=15)", "y ~ b + bs(a, df=15)"),
        ("y ~ a", "", None),
    ],
)
def test_what_is_missed_goes_into_the_formula_and_a_spline_takes_its_lines_place(formula, term, expected):
    found = expanded(ModelSpecification(formula), replace(WRONG, form_seen=SEEN | {"suggestion": term}))

    assert (None if found is None else found.formula) == expected
    assert expanded(ModelSpecification(formula), replace(WRONG, form="holds")) is None
