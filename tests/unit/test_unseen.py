"""Rows with a level that training has not seen: what is measured, what is given, and that the label agrees with it."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats
from serving_cases import DEFAULT, ROW, predictor

from data_science.formula.encoding import Encoding, Factor, Term
from data_science.formula.rows import Rows
from data_science.likelihood.compression import Cells
from data_science.prediction import unseen
from data_science.prediction.measured import measure_unseen
from data_science.prediction.predictor import Predictor
from data_science.prediction.unseen import BOUND, UnseenLevel
from data_science.storage import predictor_format as form

IDS = Encoding((Term("Intercept"), Term("x", ("x",)), Term("1|id", groups=(Factor("id", (1, 2, 3)),))))
FAR, NEAR = UnseenLevel(0.018, 0.051), UnseenLevel(0.1, 0.105)
NEW = pd.DataFrame({"x": [0.0, 0.5, -1.0, 2.0], "id": [9, 2, -1, 3]})


def of_ids(threshold=0.03, level=FAR, **options):
    """A model of ids with much between them and a low rate: the plug-in of a new id is far too low."""
    rng = np.random.default_rng(2)
    means = np.array([-4.0, 0.3, 1.0, -0.5, 2.0])
    draws = means + rng.normal(0, 0.2, (300, 5))
    sds = np.abs(rng.normal(2.2, 0.3, (300, 1)))
    return Predictor(
        IDS, draws.mean(axis=0), draws, sds, threshold=threshold, unseen_levels={"id": level}, **options
    )


def test_a_row_with_an_unseen_level_is_averaged_where_that_is_far_from_the_plug_in_and_no_other_row_is():
    model = of_ids()
    plug_in, averaged = (model.predict_proba(NEW, method) for method in ("plug-in", "posterior"))

    given = model.predict_proba(NEW)

    assert model.averages_unseen
    assert given.tolist() == [averaged[0], plug_in[1], averaged[2], plug_in[3]]
    assert averaged[0] > 2 * plug_in[0]
    rows = NEW.to_dict("records")
    assert [model.predict_proba_one(row) for row in rows] == pytest.approx(given.tolist(), rel=1e-14)
    assert [model.predict_proba_one(row, "plug-in") for row in rows] == pytest.approx(plug_in.tolist())
    (scores,) = model.score_batches([NEW])
    assert scores.probability.tolist() == given.tolist()


@pytest.mark.parametrize("threshold", [0.02, 0.05, 0.08, 0.5])
def test_the_label_follows_the_probability_that_is_shown(threshold):
    model = of_ids(threshold)
    shown = model.predict_proba(NEW)

    labels = model.predict_batch(NEW)

    assert labels.tolist() == (shown > threshold).astype(int).tolist()
    assert [model.predict(NEW.iloc[[row]]) for row in range(len(NEW))] == labels.tolist()
    assert [model.predict_one(row) for row in NEW.to_dict("records")] == labels.tolist()
    (scores,) = model.score_batches([NEW])
    assert scores.label.tolist() == labels.tolist()


@pytest.mark.parametrize("levels", [{}, {"id": NEAR}], ids=["stored by earlier code", "measured, and near"])
def test_without_a_far_measurement_every_row_gets_the_plug_in_as_before(levels):
    model = replace(of_ids(), unseen_levels=levels)

    assert not model.averages_unseen
    assert model.predict_proba(NEW).tolist() == model.predict_proba(NEW, "plug-in").tolist()
    assert (
        model.predict_batch(NEW).tolist() == (model.predict_proba(NEW, "plug-in") > 0.03).astype(int).tolist()
    )


def test_both_figures_are_means_over_the_rows_each_integral_by_hand():
    model, x = of_ids(), np.array([-1.0, 0.0, 2.0])
    rows = Rows({"id": np.array([0, 1, 2])}, {"x": x}, 3)

    (measured,) = measure_unseen(model, rows).unseen_levels.values()

    eta = model.coefficients[0] + model.coefficients[1] * x
    assert measured.plug_in == pytest.approx(special.expit(eta).mean(), rel=1e-12)

    def mean_of(draw, at):
        location, sd = model.draws[draw, 0] + model.draws[draw, 1] * at, model.group_sd_draws[draw, 0]
        return integrate.quad(lambda z: special.expit(location + sd * z) * stats.norm.pdf(z), -9, 9)[0]

    few = replace(model, draws=model.draws[:5], group_sd_draws=model.group_sd_draws[:5])
    (of_few,) = measure_unseen(few, rows).unseen_levels.values()
    assert of_few.averaged == pytest.approx(np.mean([mean_of(d, at) for d in range(5) for at in x]), rel=1e-7)


def test_only_columns_that_may_have_unseen_levels_are_measured():
    rows = predictor().reader.all_rows(pd.DataFrame([ROW]))

    assert list(measure_unseen(predictor(), rows).unseen_levels) == ["attr_a", "attr_b"]
    assert measure_unseen(predictor(unseen="refuse"), rows).unseen_levels == {}


@pytest.mark.parametrize(
    ("plug_in", "averaged", "is_far"),
    [
        (0.018, 0.051, True),
        (0.982, 0.949, True),
        (0.0001, 0.0002, True),
        (0.1, 0.1, False),
        (0.5, 0.5 + 0.02, False),
        (0.5, 0.5 + 0.03, True),
        (0.0, 0.0, False),
        (0.0, 1e-9, True),
        (0.5, 0.0, True),
        (1.0, 1.0, False),
        (1.0, 0.5, True),
        (0.5, 1.0, True),
        (math.nan, 0.1, True),
    ],
)
def test_far_is_a_ratio_of_odds(plug_in, averaged, is_far):
    level = UnseenLevel(plug_in, averaged)

    assert level.is_far is is_far
    if 0 < plug_in < 1 and 0 < averaged < 1:
        odds = [p / (1 - p) for p in (plug_in, averaged)]
        assert level.odds_ratio == pytest.approx(max(odds) / min(odds))
        assert level.is_far is (max(odds) / min(odds) > BOUND)


def test_at_the_bound_itself_the_plug_in_is_kept(monkeypatch):
    level = UnseenLevel(0.1, 0.11)

    for bound, is_far in ((level.odds_ratio, False), (math.nextafter(level.odds_ratio, 0), True)):
        monkeypatch.setattr(unseen, "BOUND", bound)
        assert level.is_far is is_far


def test_what_was_measured_is_stored_and_read_back_and_its_absence_too(tmp_path):
    for model in (of_ids(), replace(of_ids(), unseen_levels={})):
        document = form.to_json(model)

        read = form.construct(document, form.to_npz(model), tmp_path)

        assert read.unseen_levels == model.unseen_levels
        assert (b"unseen_levels" in document) is bool(model.unseen_levels)
        assert read.predict_proba(NEW).tolist() == model.predict_proba(NEW).tolist()


def test_a_level_that_is_known_costs_no_reading_and_odd_rows_are_refused_as_ever():
    reader = of_ids().reader

    for known in (1, 1.0, True, np.int64(3)):
        assert not reader.has_unseen({"x": "never read", "id": known})
    assert reader.has_unseen({"x": 0.5, "id": 4})
    for row in ({"x": 0.5}, {"id": "1", "x": 0.5}, {"id": [1], "x": 0.5}, {"id": 4}, 7, None, np.zeros(2)):
        for ask in (of_ids().predict_one, of_ids().predict_proba_one):
            with pytest.raises(ValueError, match=r"missing|expected"):
                ask(row)


def test_representative_rows_stand_for_as_many_trials_each():
    weights = np.array([1.0, 0.0, 97.0, 2.0])
    cells = Cells({}, {"x": np.arange(4.0)}, 4, weights, 100, None, None)

    found = cells.representative(100).numeric["x"]

    assert np.bincount(found.astype(int), minlength=4).tolist() == weights.tolist()
    assert len(cells.representative(1)) == 1


def test_the_default_formula_has_both_of_its_columns_measured_in_their_order():
    rows = Rows(
        {"attr_a": np.array([0]), "attr_b": np.array([0])}, {"scd_a": np.ones(1), "scd_b": np.ones(1)}, 1
    )

    assert list(measure_unseen(predictor(DEFAULT), rows).unseen_levels) == ["attr_a", "attr_b"]
