from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from data_science.engines.marginal import Marginal


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


@pytest.mark.parametrize("spacing", [0.5, 1.0], ids=["fine", "coarse"])
def test_a_proposal_follows_the_flattened_density_between_few_points(spacing):
    mean, sd = -1.0, 0.4
    points = mean + sd * (np.arange(-7, 8) * spacing + 0.1)

    marginal = Marginal.proposed(points, 12 - 0.5 * ((points - mean) / sd) ** 2)

    values, logs = marginal.quantile(np.linspace(0.02, 0.98, 49))
    exact = norm(mean, sd / np.sqrt(0.9))
    np.testing.assert_allclose(values, exact.ppf(np.linspace(0.02, 0.98, 49)), atol=0.08 * sd)
    np.testing.assert_allclose(logs, exact.logpdf(values), atol=0.12)
    assert set(points) <= set(marginal.knots.tolist())
