"""Draws of a level between nodes that stand far apart: exact where the log density is a cubic."""

import numpy as np
import pytest
from scipy import stats

from data_science.likelihood.collapse import drawing

HALF, STEP = 4, 1.5  # nodes on each side of the centre, and their distance in sds
NODES = STEP * np.arange(-HALF, HALF + 1)


def log_density(x):
    return -0.5 * x**2 + 0.02 * x**3


@pytest.mark.parametrize("k", range(2 * HALF))
def test_half_way_between_inner_nodes_a_cubic_is_met_and_at_the_ends_the_line(k):
    weight = np.exp(log_density(NODES))[:, None]

    found = drawing._middle.py_func(weight, k, 0)

    inner = 0 < k < 2 * HALF - 1
    line = log_density(NODES[k : k + 2]).mean()
    assert np.log(found) == pytest.approx(log_density(NODES[k] + STEP / 2) if inner else line, rel=1e-9)


@pytest.mark.parametrize("lost", [0, 3], ids=["before", "after"])
def test_beside_a_node_of_no_weight_the_line_is_followed(lost):
    weight = np.array([0.5, 0.4, 0.9, 0.5])
    weight[lost] = 0.0

    assert drawing._middle.py_func(weight[:, None], 1, 0) == pytest.approx(0.6)


def test_draws_between_distant_nodes_follow_the_density():
    """Of 3,000 draws a share off by 0.04 anywhere would be seen; the chance of a false alarm is 1 in 10,000."""
    n = 3_000
    weight = np.repeat(np.exp(log_density(NODES))[:, None], n, axis=1)
    centre, width, mass, drawn = np.full(n, 2.0), np.full(n, 0.5 * STEP), np.empty(n), np.empty(n)

    drawing.draw_levels.py_func(weight, HALF, centre, width, np.random.default_rng(1), mass, drawn)

    grid = np.linspace(NODES[0], NODES[-1], 20_001)
    density = np.exp(log_density(grid))
    cumulative = np.cumsum(density) / density.sum()
    z = (drawn - 2.0) / 0.5
    assert stats.kstest(z, lambda x: np.interp(x, grid, cumulative)).pvalue > 1e-4
    assert mass * STEP / 6 == pytest.approx(np.trapezoid(density, grid), rel=0.01)
