"""Knots along a log sd: where they lie, and what is known there."""

import numpy as np
import pytest
from hand_made import clients, compressed, learned

from data_science.engines import knots
from data_science.engines.knots import Searcher
from data_science.errors import GateError

FRAME = clients(60)
FOUND = compressed(learned("label ~ scd_a + (1 | attr_b)", FRAME), FRAME)


@pytest.fixture(scope="module")
def searcher():
    return Searcher(FOUND.joint, FOUND.elimination)


@pytest.fixture(scope="module")
def centre(searcher):
    return searcher.at(FOUND.mode.theta, FOUND.mode.x)


def test_knots_ascend_through_the_centre_to_where_the_density_is_nil_or_the_range_ends(searcher, centre):
    found = searcher.along(centre, 0)

    theta = np.array([knot.theta[0] for knot in found])
    marginal = np.array([knot.log_marginal for knot in found])
    assert (np.diff(theta) > 0).all()
    assert centre in found
    for end in (0, -1):
        assert marginal[end] < marginal.max() - 25 or theta[end] in (-8.0, 4.5)
    assert marginal[1:-1].min() > marginal.max() - 25
    assert len(found) < 30


def test_the_transport_at_a_knot_has_its_mode_as_mean(searcher, centre):
    for knot in searcher.along(centre, 0):
        mean = knot.transport.coefficients(knot.theta, np.zeros(len(knot.mode.x)))
        sds = np.sqrt(knot.mode.factor.inverse_diagonal())
        np.testing.assert_allclose(mean / sds, knot.mode.x / sds, atol=1e-3)


def test_skewness_is_the_third_derivative_of_the_log_density_along_whitened_axes(centre):
    own, pull = knots.skewness(FOUND.joint, centre.mode)

    n, h = len(own), 0.05
    axes = np.array([centre.mode.factor.solve_upper(axis) for axis in np.eye(n)])

    def value(*steps):
        return FOUND.joint.log_likelihood(centre.mode.x + sum(steps))[0]

    for i in range(n):
        a = h * axes[i]
        third = (value(2 * a) - 2 * value(a) + 2 * value(-a) - value(-2 * a)) / (2 * h**3)
        assert own[i] == pytest.approx(third, abs=5e-3)
        mixed = sum(
            value(a, h * axes[j]) - 2 * value(a) + value(a, -h * axes[j])
            - value(-a, h * axes[j]) + 2 * value(-a) - value(-a, -h * axes[j])
            for j in range(n) if j != i
        ) / (2 * h**3)  # fmt: skip
        assert pull[i] == pytest.approx(mixed / 2, abs=2e-2)


def test_a_search_that_fails_far_out_ends_the_walk_and_one_that_fails_at_once_is_raised(
    searcher, centre, monkeypatch
):
    search, limit = knots.conditional_mode, [1.0]

    def failing(joint, elimination, theta, start):
        if abs(theta[0] - centre.theta[0]) > limit[0]:
            raise GateError("no mode")
        return search(joint, elimination, theta, start)

    monkeypatch.setattr(knots, "conditional_mode", failing)

    found = searcher.along(centre, 0)
    assert {abs(float(knot.theta[0] - centre.theta[0])) <= 1 for knot in found} == {True}
    limit[0] = 0.31
    with pytest.raises(GateError, match="no mode"):
        searcher.along(centre, 0)
