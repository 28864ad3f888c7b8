"""Many rows' Pareto smoothing is arviz-stats' own, row by row."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy.special import logsumexp

from data_science.evaluation import pareto


def leave_one_out(values):
    """Leave out by log-likelihoods, with the largest ratio brought to one."""
    lowest = values.min(axis=1, keepdims=True)
    elpd, lppd, khat = pareto.leave_one_out(np.exp(lowest - values))
    np.testing.assert_allclose(
        lppd + lowest[:, 0], logsumexp(values, axis=1) - np.log(values.shape[1]), rtol=1e-9, atol=1e-12
    )
    return elpd + lowest[:, 0], khat


def by_arviz(values):
    log_weights, khat = array_stats.psislw(values, r_eff=1.0, axis=-1)
    return logsumexp(log_weights + values, axis=1), khat


@pytest.mark.parametrize("n_draws", [25, 225, 226, 2_000])
@pytest.mark.parametrize(
    "spread", [1e-6, 0.3, 3.0, 30.0], ids=["next to none", "usual", "influential", "absurd"]
)
def test_elpd_and_khat_are_arvizs(n_draws, spread):
    rng = np.random.default_rng(1)
    eta = rng.normal(size=(30, 1)) + spread * rng.standard_t(5, size=(30, n_draws))
    values = -np.logaddexp(0, -eta)

    elpd, khat = leave_one_out(values)

    expected_elpd, expected_khat = by_arviz(values)
    np.testing.assert_allclose(elpd, expected_elpd, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(khat, expected_khat, rtol=1e-7, atol=1e-9)


def test_rows_whose_first_tail_draws_are_equal_have_no_shape_as_for_arviz():
    values = -np.random.default_rng(2).exponential(size=(2, 500))
    order = np.argsort(values[0])
    values[0, order[20:90]] = values[0, order[90]]

    elpd, khat = leave_one_out(values)

    expected_elpd, expected_khat = by_arviz(values)
    assert np.isnan(khat).tolist() == np.isnan(expected_khat).tolist() == [True, False]
    np.testing.assert_allclose(elpd, expected_elpd, rtol=1e-10)


def test_draws_too_few_for_a_tail_are_weighed_as_they_are_and_said_to_be_unjudged():
    values = -np.random.default_rng(3).exponential(size=(3, 24))

    elpd, khat = leave_one_out(values)

    assert np.isnan(khat).all()
    np.testing.assert_allclose(elpd, np.log(24) - logsumexp(-values, axis=1))


def test_rows_do_not_depend_on_how_many_are_smoothed_at_once(monkeypatch):
    values = -np.random.default_rng(4).gamma(0.2, 20, size=(9, 300))
    together = leave_one_out(values)

    monkeypatch.setattr(pareto, "_ENTRIES", 1)

    np.testing.assert_array_equal(leave_one_out(values), together)
