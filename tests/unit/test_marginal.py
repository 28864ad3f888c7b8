from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from data_science.engines.marginal import Marginal, propose_theta


def normal(n_knots: int = 41) -> Marginal:
    knots = np.linspace(-4, 4, n_knots)
    return Marginal.through(knots, -0.5 * knots**2 + 17)


def density(marginal: Marginal, value: float) -> float:
    """Independent of `quantile`: read off the knots and slopes."""
    knots, logs = marginal.knots, marginal.log_density
    if value < knots[0]:
        return float(np.exp(logs[0] + marginal.slopes[0] * (value - knots[0])))
    if value > knots[-1]:
        return float(np.exp(logs[-1] + marginal.slopes[-1] * (value - knots[-1])))
    return float(np.exp(np.interp(value, knots, logs)))


@pytest.mark.parametrize(
    ("knots", "logs"),
    [
        (np.linspace(-4, 4, 17), -0.5 * np.linspace(-4, 4, 17) ** 2),
        (np.array([-3.0, -1.0, 0.0, 0.5]), np.array([0.0, 0.0, 0.0, -3.0])),
        (np.array([-8.0, -2.0, 1.0]), np.array([-900.0, -2.0, -1000.0])),
        (np.array([0.0, 1.0]), np.array([5.0, 5.0])),
    ],
    ids=["normal", "flat pieces", "steep", "flat everywhere"],
)
def test_the_density_integrates_to_one_tails_included(knots, logs):
    marginal = Marginal.through(knots, logs)

    inner = [quad(lambda v: density(marginal, v), a, b)[0] for a, b in pairwise(knots)]
    left = np.exp(marginal.log_density[0]) / marginal.slopes[0]
    right = -np.exp(marginal.log_density[-1]) / marginal.slopes[-1]

    assert sum(inner) + left + right == pytest.approx(1)
    np.testing.assert_allclose(marginal.mass, [left, *inner, right], atol=1e-9)


def test_quantiles_of_a_fine_grid_are_those_of_the_normal_distribution():
    values, logs = normal(400).quantile(np.array([0.05, 0.5, 0.95]))

    np.testing.assert_allclose(values, [-1.6449, 0, 1.6449], atol=2e-3)
    np.testing.assert_allclose(logs, -0.5 * values**2 - 0.5 * np.log(2 * np.pi), atol=2e-3)


@given(probability=st.floats(1e-9, 1 - 1e-9))
@settings(deadline=None)
def test_the_log_density_of_a_quantile_is_that_at_its_value(probability):
    marginal = Marginal.through(np.array([-2.0, -1.0, 0.0, 3.0]), np.array([-1.0, 0.0, 0.0, -9.0]))

    values, logs = marginal.quantile(np.array([probability]))

    assert logs[0] == pytest.approx(np.log(density(marginal, float(values[0]))), abs=1e-9)


@given(probability=st.floats(1e-6, 1 - 1e-6))
@settings(deadline=None, max_examples=30)
def test_a_quantile_has_its_probability_below_it(probability):
    marginal = normal(9)

    value = float(marginal.quantile(np.array([probability]))[0][0])

    knots = [float(k) for k in marginal.knots if -60 < k < value]
    below = quad(lambda v: density(marginal, v), -60, value, points=knots, limit=200)[0]
    assert below == pytest.approx(probability, abs=1e-6)


def test_a_density_that_still_rises_at_both_ends_gets_proper_tails():
    marginal = Marginal.through(np.array([-8.0, 0.0, 4.5]), np.array([0.0, -1.0, 3.0]))

    values, logs = marginal.quantile(np.array([1e-6, 1 - 1e-6]))

    assert marginal.slopes[0] > 0 > marginal.slopes[-1]
    assert np.isfinite(values).all()
    assert np.isfinite(logs).all()


def source(log_marginal, n_sds=2):
    """Stand for the conditionals: an analytic marginal of the log sds."""
    return SimpleNamespace(joint=SimpleNamespace(n_sds=n_sds), log_marginal=log_marginal)


def two_normals(theta):
    """Log marginal: two independent normals, of means -1 and 0.5, sds 0.4 and 0.2, and a constant."""
    return 12 - 0.5 * ((theta[:, 0] + 1) / 0.4) ** 2 - 0.5 * ((theta[:, 1] - 0.5) / 0.2) ** 2


@pytest.mark.parametrize("off", [0.0, 0.3])
def test_a_proposal_follows_the_flattened_marginal_of_each_sd(off):
    mode = SimpleNamespace(theta=np.array([-1.0, 0.5]) + off)

    proposals = propose_theta(source(two_normals), mode)

    for marginal, mean, sd in zip(proposals, (-1.0, 0.5), (0.4, 0.2), strict=True):
        flattened = sd / np.sqrt(0.9)
        values, logs = marginal.quantile(np.linspace(0.01, 0.99, 99))
        exact = norm(mean, flattened)
        np.testing.assert_allclose(values, exact.ppf(np.linspace(0.01, 0.99, 99)), atol=0.06 * sd)
        np.testing.assert_allclose(logs, exact.logpdf(values), atol=0.08)
        assert {mean + off} <= set(marginal.knots.tolist())


def test_a_walk_ends_thirty_nats_below_the_peak_on_either_side():
    marginal, _ = propose_theta(source(two_normals), SimpleNamespace(theta=np.array([-1.0, 0.5])))

    below = two_normals(np.column_stack([marginal.knots, np.full(len(marginal.knots), 0.5)])) - 12
    assert below[[0, -1]].max() < -30
    assert below[1:-1].min() >= -30
    step = np.diff(marginal.knots)
    centre = marginal.knots.tolist().index(-1.0)
    np.testing.assert_allclose(step[centre : centre + 8], 0.2, rtol=1e-3)  # even, of half an sd
    np.testing.assert_allclose(step[centre - 8 : centre], 0.2, rtol=1e-3)
    np.testing.assert_allclose(step[centre + 9 :] / step[centre + 8 : -1], 1.2, rtol=1e-9)


def test_a_flat_marginal_is_walked_to_the_ends_of_the_range_and_no_farther():
    marginal, _ = propose_theta(
        source(lambda theta: np.zeros(len(theta))), SimpleNamespace(theta=np.zeros(2))
    )

    assert marginal.knots[[0, -1]].tolist() == [-8.0, 4.5]
    assert marginal.slopes[[0, -1]].tolist() == [0.1, -0.1]


@pytest.mark.parametrize(("sd", "step"), [(0.001, 0.005), (0.3, 0.15), (9.0, 0.25)])
def test_steps_are_half_an_sd_within_bounds(sd, step):
    marginal, _ = propose_theta(
        source(lambda t: -0.5 * ((t[:, 0]) / sd) ** 2), SimpleNamespace(theta=np.zeros(2))
    )

    centre = marginal.knots.tolist().index(0.0)
    assert marginal.knots[centre + 1] == pytest.approx(step, rel=1e-3)
    assert marginal.knots[centre - 1] == pytest.approx(-step, rel=1e-3)


def test_a_narrow_marginal_is_not_walked_for_ever():
    marginal, _ = propose_theta(
        source(lambda t: -0.5 * (t[:, 0] / 1e-4) ** 2 * (np.abs(t[:, 0]) < 0.06)),
        SimpleNamespace(theta=np.zeros(2)),
    )

    assert len(marginal.knots) <= 121
