"""Where every probability is 0 or 1 to the last bit, nothing overflows (warnings are errors here)."""

from types import SimpleNamespace

import numpy as np
import pytest
from serving_cases import predictor

from data_science.errors import FeatureError
from data_science.evaluation.diagnostics import rate_interval
from data_science.likelihood.fidelity import _expected
from data_science.prediction.correction import Correction


@pytest.mark.parametrize(("eta", "rate"), [(-800.0, 0.0), (800.0, 1.0)])
def test_far_out_the_predicted_rate_is_that_of_certain_labels(eta, rate):
    joint = SimpleNamespace(eta=lambda x: np.repeat(x, 2), weights=np.array([3.0, 7.0]))

    low, high = rate_interval(joint, np.array([[eta]] * 4), 10.0, seed=1)

    assert (low, high) == pytest.approx((rate - 0.05, rate + 0.05))


@pytest.mark.parametrize(("eta", "expected"), [(-800.0, 0.0), (800.0, 5.0)])
def test_far_out_the_expected_successes_are_none_or_all(eta, expected):
    assert _expected(np.array([[1.0]]), np.array([5.0]), np.array([eta])) == pytest.approx([expected])


def test_a_variance_over_draws_beyond_any_float_is_refused_as_one_by_the_covariance_is():
    model = predictor(correction=Correction(gap=0.1, bound=0.005, covariance=None))

    with pytest.raises(FeatureError, match="too large to score"):
        model.predict_one({"attr_a": 1, "attr_b": "a", "scd_a": 1e200, "scd_b": 1.0})
