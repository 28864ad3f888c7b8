"""Reliability curves against scikit-learn's isotonic regression, and bands against their promise."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from data_science.evaluation.calibration import reliability

RNG = np.random.default_rng(4)
PREDICTED = RNG.beta(2, 12, 3_000).round(2)  # with ties
LABEL = (RNG.random(3_000) < PREDICTED).astype(int)


def test_the_curve_is_the_isotonic_regression_of_the_label():
    peer = IsotonicRegression().fit(PREDICTED, LABEL)

    curve = reliability(LABEL, PREDICTED, n_replications=2).curve

    assert curve["observed"].to_numpy() == pytest.approx(peer.predict(curve.index), abs=1e-12)


def test_the_parts_of_the_score_add_up_to_it():
    found = reliability(LABEL, PREDICTED, n_replications=2)

    brier = np.mean((LABEL - PREDICTED) ** 2)
    assert found.parts.loc["Brier score", "measured"] == pytest.approx(brier, abs=1e-12)
    assert found.miscalibration >= 0
    assert found.discrimination >= 0


def test_the_parts_of_right_predictions_show_what_recalibration_fits_of_noise():
    found = reliability(LABEL, PREDICTED)

    assert 0 < found.expected[0] < 0.05 * found.uncertainty
    assert found.expected[1] == pytest.approx(found.discrimination, rel=0.3)  # the prediction is right
    # Brier score of a right prediction, in expectation: a closed form.
    brier = np.mean(PREDICTED * (1 - PREDICTED))
    assert found.parts.loc["Brier score", "if calibrated"] == pytest.approx(brier, rel=0.03)


def test_a_calibrated_prediction_stays_in_the_band():
    assert reliability(LABEL, PREDICTED).chance > 0.05


@pytest.mark.parametrize("wrong", [lambda p: p / 2, lambda p: np.sqrt(p), lambda p: 1 - p])
def test_a_wrong_prediction_leaves_the_band(wrong):
    found = reliability(LABEL, wrong(PREDICTED))

    assert found.share_outside > 0.3
    assert found.chance < 0.05


def test_a_constant_prediction_resolves_nothing():
    found = reliability(LABEL, np.full(len(LABEL), LABEL.mean()))

    assert found.discrimination == pytest.approx(0, abs=1e-12)
    assert found.curve["observed"].tolist() == pytest.approx([LABEL.mean()] * len(found.curve))
