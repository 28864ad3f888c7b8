"""The corrected probability on posteriors whose coefficients correlate, as real ones do."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hand_made import clients
from hand_sums import design_of, logit_of
from scipy import integrate, special, stats
from serving_cases import COMMON_FACTOR, DEFAULT, ROW, predictor

from data_science.prediction.correction import (
    GAP_BOUND,
    Correction,
    corrected_probability,
    largest_gap,
    logit_variance,
)
from data_science.prediction.measured import measure_correction
from data_science.prediction.predictor import Predictor


def rows(n_rows=60):
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "attr_a": rng.integers(1, 6, n_rows),
            "attr_b": rng.choice(list("abcd"), n_rows),
            "scd_a": rng.normal(0, 2, n_rows),
            "scd_b": rng.integers(1, 6, n_rows),
        }
    )


def correlated(encoding, sd=0.4, n_draws=500):
    """Return a predictor in whose draws every two coefficients correlate, neighbours by -0.9."""
    rng = np.random.default_rng(5)
    n = encoding.n_coefficients
    distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    sds = sd * np.linspace(0.5, 1.5, n)
    covariance = (-0.9) ** distance * np.outer(sds, sds)
    draws = rng.multivariate_normal(np.linspace(-1, 1, n), covariance, n_draws)
    return Predictor(encoding, draws.mean(axis=0), draws, np.full((n_draws, encoding.n_sds), 0.5))


ENCODINGS = pytest.mark.parametrize("encoding", [DEFAULT, COMMON_FACTOR], ids=["default", "with products"])


def gaussian_mean(mean, variance):
    """Mean of the inverse logit of a normal logit, by adaptive quadrature."""
    return integrate.quad(
        lambda z: special.expit(mean + math.sqrt(variance) * z) * stats.norm.pdf(z), -12, 12, epsabs=1e-12
    )[0]


@ENCODINGS
def test_the_variance_of_a_logit_is_that_of_the_design_row(encoding):
    model, frame = correlated(encoding), rows()
    read = model.reader.all_rows(frame)
    covariance = np.cov(model.draws, rowvar=False)
    multipliers = [term.multipliers(read.numeric, len(frame)) for term in encoding.terms]

    found = logit_variance(model.tables.places(read), multipliers, covariance)

    design = design_of(encoding, frame)
    np.testing.assert_allclose(found, np.diag(design @ covariance @ design.T), rtol=1e-12, atol=1e-14)


def test_a_place_past_the_coefficients_has_no_variance():
    covariance = np.array([[2.0, 0.5], [0.5, 3.0]])

    found = logit_variance([np.array([0, 2]), np.array([1, 7])], [np.ones(2), np.ones(2)], covariance)

    assert found.tolist() == [6.0, 0.0]


def test_a_variance_that_rounding_made_negative_is_zero():
    covariance = np.array([[1.0, -1.0], [-1.0, 1.0 - 1e-15]])

    found = logit_variance([np.array([0]), np.array([1])], [np.ones(1), np.ones(1)], covariance)

    assert found.tolist() == [0.0]


@pytest.mark.parametrize("stored", [False, True], ids=["from the draws", "stored by training"])
@ENCODINGS
def test_the_corrected_probability_integrates_the_correlated_posterior(encoding, stored):
    model, frame = correlated(encoding), rows(12)
    model = measure_correction(model, model.reader.all_rows(frame)) if stored else model

    found = model.predict_proba(frame, "corrected")

    eta = [logit_of(model, row) for row in frame.to_dict("records")]
    variances = (design_of(encoding, frame) @ model.draws.T).var(axis=1, ddof=1)
    usual = variances < 1  # beyond it nine nodes are less exact
    expected = [gaussian_mean(*pair) for pair in zip(eta, variances, strict=True)]
    assert usual.sum() > 3
    np.testing.assert_allclose(found[usual], np.array(expected)[usual], rtol=0, atol=1e-4)
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.01)
    one_by_one = [model.predict_proba_one(row, "corrected") for row in frame.to_dict("records")]
    np.testing.assert_allclose(found, one_by_one, rtol=0, atol=1e-14)


def test_what_training_measures_is_stored_and_used():
    model, frame = correlated(DEFAULT), rows()

    read = model.reader.all_rows(frame)
    measured = measure_correction(model, read, bound=0.2)

    np.testing.assert_allclose(measured.correction.covariance, np.cov(model.draws.T), rtol=1e-12)
    assert measured.correction.bound == 0.2
    assert measure_correction(model, read).correction.bound == GAP_BOUND == 0.005
    twice = replace(measured, correction=replace(measured.correction, covariance=0 * np.cov(model.draws.T)))
    np.testing.assert_allclose(
        twice.predict_proba(frame, "corrected"), model.predict_proba(frame), rtol=0, atol=1e-15
    )


def test_labels_follow_the_corrected_probability_where_it_is_active_and_the_plug_in_elsewhere():
    model = replace(predictor(), coefficients=np.zeros(12))
    model = replace(model, coefficients=np.r_[1.0, np.zeros(11)], threshold=0.7)
    wide = np.diag(np.r_[9.0, np.zeros(11)])
    active, inactive = Correction(0.3, 0.005, wide), Correction(0.004, 0.005, wide)
    assert special.expit(1.0) > 0.7 > gaussian_mean(1.0, 9.0)

    for correction, label in ((active, 0), (inactive, 1), (None, 1)):
        own = replace(model, correction=correction)
        assert own.predict_one(ROW) == label
        assert own.predict(pd.DataFrame([ROW])) == label
        assert own.predict_batch(pd.DataFrame([ROW, ROW])).tolist() == [label, label]


@pytest.mark.parametrize(("above", "label"), [(-1e-4, 1), (0, 0), (1e-4, 0)], ids=["below", "at", "above"])
def test_a_corrected_probability_at_the_threshold_is_label_zero(above, label):
    always = Correction(1.0, 0.005, np.zeros((12, 12)))
    model = replace(predictor(), coefficients=np.zeros(12), correction=always)
    model = replace(model, threshold=model.predict_proba_one(ROW, "corrected") + above)

    assert model.predict_one(ROW) == label
    assert model.predict_batch(pd.DataFrame([ROW])).tolist() == [label]


@pytest.mark.parametrize(
    ("gap", "active"), [(0.0049, False), (0.005, False), (0.0051, True), (math.nan, True), (math.inf, True)]
)
def test_a_gap_is_ignored_up_to_the_bound_and_never_if_it_is_no_number(gap, active):
    assert Correction(gap, 0.005, np.eye(2)).active is active


def test_the_largest_gap_is_the_farthest_distance_either_way():
    assert largest_gap(np.array([0.5, 0.2, 0.9]), np.array([0.6, 0.5, 0.85])) == pytest.approx(0.3)
    assert largest_gap(np.array([0.5, 0.9]), np.array([0.6, 0.5])) == pytest.approx(0.4)


@ENCODINGS
def test_beyond_many_coefficients_the_draws_say_what_a_covariance_would(encoding, monkeypatch):
    model, frame = correlated(encoding), rows()
    kept = measure_correction(model, model.reader.all_rows(frame))
    monkeypatch.setattr("data_science.prediction.correction.MOST_COVARYING", 3)

    without = measure_correction(model, model.reader.all_rows(frame))

    assert without.correction.covariance is None
    assert without.correction.gap == kept.correction.gap
    expected, found = (m.predict_proba(frame, "corrected") for m in (kept, without))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(model.predict_proba(frame, "corrected"), expected, rtol=1e-9)


@pytest.mark.parametrize("sd", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("mean", [-4.0, -1.0, 0.0, 2.0])
def test_the_corrected_probability_is_the_integral_over_a_normal_logit(mean, sd):
    expected = integrate.quad(lambda z: special.expit(mean + sd * z) * stats.norm.pdf(z), -12, 12)[0]

    assert corrected_probability(np.array([mean]), np.array([sd**2]))[0] == pytest.approx(expected, abs=1e-5)


def test_a_posterior_wide_enough_to_matter_is_measured_and_corrected_for():
    wide, cells = predictor(n_draws=2000, sd=0.6), clients(200).drop(columns="label")

    measured = measure_correction(wide, wide.reader.all_rows(cells))

    gap = np.abs(wide.predict_proba(cells) - wide.predict_proba(cells, "posterior")).max()
    assert measured.correction.gap == gap > GAP_BOUND
    assert measured.correction.active
    posterior = measured.predict_proba(cells, "posterior")
    assert np.abs(measured.predict_proba(cells, "corrected") - posterior).max() < gap / 10
    # A threshold between the two probabilities tells which of them decides.
    row = cells.iloc[[int(np.abs(posterior - measured.predict_proba(cells)).argmax())]]
    plug_in, corrected = measured.predict_proba(row)[0], measured.predict_proba(row, "corrected")[0]
    between = replace(measured, threshold=(plug_in + corrected) / 2)
    assert between.predict(row) == int(corrected > between.threshold) != int(plug_in > between.threshold)
    assert between.predict_batch(row).tolist() == [between.predict(row)]


def test_a_narrow_posterior_is_not_corrected():
    narrow = predictor(sd=0.01)

    measured = measure_correction(narrow, narrow.reader.all_rows(clients(200).drop(columns="label")))

    assert measured.correction.gap < GAP_BOUND
    assert not measured.correction.active
    assert measured.predict_one(ROW) == predictor().predict_one(ROW)
