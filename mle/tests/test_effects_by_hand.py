"""Effects and their intervals against what one computes by hand on a few rows."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from machine_learning_engineering.effects import (
    Estimate,
    corrected_divergence,
    jensen_shannon_distance,
    rate_gap,
    score_shortfall,
)

P, Y = np.array([0.1, 0.3, 0.8, 0.4]), np.array([0.0, 1.0, 1.0, 0.0])

CLIENT = np.array([7, 7, 8, 9])


def by_hand(values, variance, client, coverage):
    """Mean and half-width, with loops: clients are clusters, and the model's own variance is a floor."""
    n, mean = len(values), sum(values) / len(values)
    sums = {}
    for one, value in zip(client, values, strict=True):
        sums[one] = sums.get(one, 0.0) + value - mean
    n_clusters = max(len(sums), 2)
    robust = n_clusters / (n_clusters - 1) * sum(total**2 for total in sums.values())
    half = NormalDist().inv_cdf((1 + coverage) / 2) * math.sqrt(max(robust, sum(variance))) / n
    return mean, mean - half, mean + half


@pytest.mark.parametrize("coverage", [0.5, 0.95])
@pytest.mark.parametrize("scale", [1.0, 0.05], ids=["clusters decide", "the model decides"])
@pytest.mark.parametrize(
    "client", [CLIENT, np.array([1, 2, 2, 1]), np.zeros(4, int)], ids=["three clients", "two", "one"]
)
def test_means_and_their_intervals_are_those_of_the_formula(client, scale, coverage):
    p = P if scale == 1 else Y + scale * (1 - 2 * Y)  # almost always right
    logit = [math.log(x / (1 - x)) for x in p]

    gap = rate_gap(p, Y, client, coverage)
    shortfall = score_shortfall(p, Y, client, coverage)

    expected = by_hand([y - x for x, y in zip(p, Y, strict=True)], [x * (1 - x) for x in p], client, coverage)
    assert (gap.value, gap.lower, gap.upper) == pytest.approx(expected, rel=1e-12)
    values = [-(y - x) * z for x, y, z in zip(p, Y, logit, strict=True)]
    expected = by_hand(values, [x * (1 - x) * z**2 for x, z in zip(p, logit, strict=True)], client, coverage)
    assert (shortfall.value, shortfall.lower, shortfall.upper) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("p", "y"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_certainty_that_turns_out_wrong_costs_a_finite_score(p, y):
    found = score_shortfall(np.array([p, p]), np.array([y, y]), np.arange(2), 0.95)

    assert found.value == pytest.approx(-math.log(1e-9), rel=1e-6)


def test_divergence_and_its_error_are_those_of_the_formula_with_empty_cells():
    a, b = np.array([30.0, 10.0, 0.0, 0.0]), np.array([20.0, 30.0, 50.0, 0.0])
    n, m = a.sum(), b.sum()
    p, q = [x / n for x in a[:3]], [x / m for x in b[:3]]
    middle = [(x + y) / 2 for x, y in zip(p, q, strict=True)]

    def log_ratio(part):
        return [math.log(x / c) if x else 0.0 for x, c in zip(part, middle, strict=True)]

    def mean(part, values):
        return sum(x * v for x, v in zip(part, values, strict=True))

    def variance(part, values):
        return mean(part, [v**2 for v in values]) - mean(part, values) ** 2

    raw = (mean(p, log_ratio(p)) + mean(q, log_ratio(q))) / 2
    bias = (2 - 1) / (4 * n) + (3 - 1) / (4 * m)
    bias -= sum((x * (1 - x) / n + y * (1 - y) / m) / c for x, y, c in zip(p, q, middle, strict=True)) / 8
    delta = variance(p, log_ratio(p)) / (4 * n) + variance(q, log_ratio(q)) / (4 * m)
    limit = (3 - 1) / 32 * (1 / n + 1 / m) ** 2

    value, se = corrected_divergence(a, b)

    assert value == pytest.approx(raw - bias, rel=1e-12)
    assert se == pytest.approx(math.sqrt(delta + limit), rel=1e-12)
    distance = jensen_shannon_distance(a, b, 0.9)
    z = NormalDist().inv_cdf(0.95)
    bounds = [math.sqrt(min(max((value + k * z * se) / math.log(2), 0), 1)) for k in (0, -1, 1)]
    assert (distance.value, distance.lower, distance.upper) == pytest.approx(bounds, rel=1e-12)


@pytest.mark.parametrize(
    ("effect", "magnitude"),
    [
        (Estimate(0.03, 0.02, 0.04), Estimate(0.03, 0.02, 0.04)),
        (Estimate(-0.03, -0.04, -0.02), Estimate(0.03, 0.02, 0.04)),
        (Estimate(-0.01, -0.05, 0.03), Estimate(0.01, 0.0, 0.05)),
    ],
    ids=["above", "below", "astride"],
)
def test_a_magnitude_keeps_what_is_farthest_from_zero(effect, magnitude):
    assert effect.magnitude() == magnitude


@pytest.mark.parametrize(
    ("value", "margin", "times"), [(0.02, 0.01, 9.0), (0.0, 0.01, 9.0), (0.03, 0.01, 2.25)]
)
def test_data_needed_grows_with_the_square_of_the_interval_over_the_distance(value, margin, times):
    assert Estimate(value, value - 0.03, value + 0.03).data_needed(margin) == pytest.approx(times)
