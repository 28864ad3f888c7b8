"""The forms of the book compute, in a browser and without a network, what Python computes of the same numbers."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from book import forms, printing
from data_science.evaluation import contacted
from data_science.examples import clients
from data_science.formula.design import learn
from data_science.formula.specification import ModelSpecification
from data_science.prediction.correction import Correction
from data_science.prediction.predictor import Predictor
from tests.book.visiting import reader

THRESHOLD = 0.23


@pytest.fixture(scope="module")
def counted():
    """Labels and probabilities whose order shows something."""
    rng = np.random.default_rng(1)
    probability = rng.beta(1, 9, 2_000)
    return rng.random(2_000) < probability, probability


@pytest.fixture(scope="module")
def predictor():
    """Coefficients made by hand, of the book's formula; a level is named as nobody would name one."""
    frame = clients(200).replace({"attr_b": {"d": '</script> & "é"'}})
    design = learn(ModelSpecification(), frame)
    draws = np.random.default_rng(2).normal(0, 0.7, (4, design.encoding.n_coefficients))
    return Predictor(design.encoding, draws.mean(axis=0), draws, np.ones((4, 2)), threshold=THRESHOLD), frame


def test_a_tally_has_the_clients_above_each_threshold_of_its_grid(counted):
    label, probability = counted
    found = contacted.tally(label, probability)

    for step in (-5_000, -2_313, -1_500, 0, 3_000):
        above = probability > 1 / (1 + np.exp(-step / 1_000))
        rows = found.above.loc[step + 1 :]
        expected = (above.sum(), (above & label).sum()) if above.any() else None
        assert (tuple(rows.iloc[0]) if len(rows) else None) == expected
        assert found.beyond(np.exp(step / 1_000)) == (expected or (0, 0))
    assert (found.n_clients, found.n_positives) == (2_000, label.sum())
    assert tuple(found.above.iloc[0]) == (2_000, label.sum())


def test_a_tally_of_certain_predictions_is_finite():
    found = contacted.tally([0, 1, 1], [0.0, 1.0, 0.5])

    assert found.above["clients"].tolist() == [3, 2, 1]


def test_counts_by_cost_ratio_add_up(counted):
    label, probability = counted

    table = contacted.by_cost_ratio(contacted.tally(label, probability), [1, 9])

    above = probability > 1 / (1 + np.exp(round(1_000 * np.log(9)) / 1_000))
    n, right = above.sum(), (above & label).sum()
    assert table.loc[9].tolist() == pytest.approx(
        [0.1, n, right, n * label.mean(), (n - right) + 9 * (label.sum() - right)]
    )


@pytest.mark.parametrize(("gap", "is_answered"), [(0.1, True), (0.3, False)])
def test_no_label_is_given_where_it_would_not_follow_from_the_coefficients(predictor, gap, is_answered):
    model, frame = predictor
    model = replace(model, correction=Correction(gap, 0.2, np.eye(model.encoding.n_coefficients)))

    assert ('data-answer="label"' in forms.client(model, frame, THRESHOLD)) is is_answered


@pytest.fixture(scope="module")
def address(tmp_path_factory, counted, predictor):
    """A page with both forms and the script, served."""
    folder = tmp_path_factory.mktemp("forms")
    script = (Path(forms.__file__).parent / "_static" / "forms.js").read_text(encoding="utf-8")
    (folder / "forms.js").write_text(script, encoding="utf-8")
    shown = forms.costs(contacted.tally(*counted), 1, 9)
    shown += forms.client(*predictor, THRESHOLD)
    (folder / "index.html").write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>x</title><main>{shown}</main>"
        "<script src='forms.js'></script></html>",
        encoding="utf-8",
    )
    with printing.served(folder) as found:
        yield f"{found}/index.html"


@pytest.fixture
def page(browser, address):
    """The page as a reader has it before typing."""
    with reader(browser) as context:
        page = context.new_page()
        page.goto(address)
        yield page


def answers(page, form):
    """What a form answers, in full precision."""
    found = page.evaluate(
        "form => Object.fromEntries([...document.querySelectorAll(`form[data-form=${form}] [data-answer]`)]"
        ".map(place => [place.dataset.answer, place.dataset.value]))",
        form,
    )
    return {name: float(value) for name, value in found.items()}


@pytest.mark.browser
def test_costs_give_the_threshold_the_counts_and_the_expected_cost(page, counted):
    label, probability = counted
    for alarm, missed in ((1, 9), (2.5, 10), (1, 1e6), (1e6, 1), (3, 3)):
        page.get_by_label("Cost of a false alarm").fill(f"{alarm:g}")
        page.get_by_label("Cost of a missed positive").fill(f"{missed:g}")

        above = probability > 1 / (1 + np.exp(-round(1_000 * np.log(alarm / missed)) / 1_000))
        n, right, positives = above.sum(), (above & label).sum(), label.sum()
        assert answers(page, "costs") == pytest.approx(
            {
                "threshold": alarm / (alarm + missed),
                "contacted": n,
                "found": right,
                "cost": alarm * (n - right) + missed * (positives - right),
                "nobody": missed * positives,
                "everybody": alarm * (2_000 - positives),
            },
            rel=1e-12,
        )


@pytest.mark.browser
def test_costs_that_are_none_are_refused_in_words_that_are_read_out(page):
    for wrong in ("", "0", "-1"):
        page.get_by_label("Cost of a false alarm").fill(wrong)

        said = page.get_by_role("form", name="Other costs").get_by_role("status")
        assert "Both costs must be numbers above 0." in said.inner_text()
        assert np.isnan(list(answers(page, "costs").values())).all()


@pytest.mark.browser
def test_a_client_gets_the_probability_and_the_label_that_the_model_gives(page, predictor):
    model, _ = predictor
    form = page.get_by_role("form", name="One client")
    levels = {one.name: one.levels for one in model.columns if one.levels}
    for place, (attr_a, attr_b) in enumerate(product(*levels.values())):
        row = {"attr_a": attr_a, "attr_b": attr_b, "scd_a": 1.7 * place - 3, "scd_b": -place / 3}
        for name in levels:
            form.get_by_label(name).select_option(str(row[name]))
        for name in ("scd_a", "scd_b"):
            form.get_by_label(name).fill(repr(row[name]))

        found = answers(page, "client")

        assert found["probability"] == pytest.approx(
            model.predict_proba(pd.DataFrame([row]))[0], abs=1e-12, rel=1e-12
        )
        assert found["label"] == model.predict_one(row)


@pytest.mark.browser
def test_both_forms_are_filled_in_with_the_keyboard_alone(page):
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("4")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("12")
    page.keyboard.press("Enter")

    assert answers(page, "costs")["threshold"] == pytest.approx(0.25)

    before = answers(page, "client")["probability"]
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert answers(page, "client")["probability"] != before
    assert page.url.endswith("index.html")  # Enter sent nothing


@pytest.mark.browser
def test_without_scripts_and_on_paper_no_form_is_seen(browser, address):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)

        assert not page.locator("form").first.is_visible()
