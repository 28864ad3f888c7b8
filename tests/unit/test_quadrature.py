import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_science.likelihood.quadrature import chebyshev_moments, gauss

N_ROWS = 2_000


def measures(seed: int, n_cells: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random points on [-1, 1], weights and cells, very unlike a uniform distribution."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, n_cells, N_ROWS)
    u = 2 * rng.beta(0.5 + rng.random(), 0.5 + 3 * rng.random(), N_ROWS) - 1
    return u, rng.integers(1, 6, N_ROWS).astype(float), cells


def rule(u, weights, cells, n_nodes, n_cells=3):
    return gauss(chebyshev_moments(u, weights, cells, (n_cells, 2 * n_nodes)))


@pytest.mark.parametrize("n_nodes", [1, 2, 3, 4, 6, 8, 12, 16])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_rule_is_exact_for_polynomials_up_to_degree_2m_minus_1(n_nodes, seed):
    u, weights, cells = measures(seed)

    nodes, node_weights = rule(u, weights, cells, n_nodes)

    for cell in range(3):
        own = cells == cell
        total = weights[own].sum()
        for degree in range(2 * n_nodes):
            exact = weights[own] @ u[own] ** degree
            assert node_weights[cell] @ nodes[cell] ** degree == pytest.approx(exact, abs=1e-11 * total)


def test_degree_2m_is_the_first_that_the_rule_misses():
    u, weights, cells = measures(3)

    nodes, node_weights = rule(u, weights, cells, 2)

    error = node_weights[0] @ nodes[0] ** 4 - weights[cells == 0] @ u[cells == 0] ** 4
    assert abs(error) > 1e-4 * weights.sum()


@given(seed=st.integers(0, 2**32 - 1), n_nodes=st.integers(1, 8))
@settings(max_examples=50, deadline=None)
def test_nodes_lie_in_the_range_and_weights_are_positive_and_sum_to_the_total(seed, n_nodes):
    u, weights, cells = measures(seed)

    nodes, node_weights = rule(u, weights, cells, n_nodes)

    totals = np.bincount(cells, weights)
    for cell in range(3):
        own = u[cells == cell]
        assert own.min() < nodes[cell].min() <= nodes[cell].max() < own.max()
    assert (node_weights > 0).all()
    np.testing.assert_allclose(node_weights.sum(axis=1), totals, rtol=1e-12)


@pytest.mark.parametrize("slope", [0.5, 1.5, 4.0])
def test_the_error_on_the_log_partition_function_decays_geometrically(slope):
    """At the rate of the module's theory: rho^-2m with rho = a + sqrt(a^2 + 1), a = pi / slope."""
    u, weights, cells = measures(4)
    rho = np.pi / slope + np.sqrt((np.pi / slope) ** 2 + 1)
    exact = np.bincount(cells, weights * np.logaddexp(0, -2 + slope * u))

    for n_nodes in range(1, 9):
        nodes, node_weights = rule(u, weights, cells, n_nodes)
        value = (node_weights * np.logaddexp(0, -2 + slope * nodes)).sum(axis=1)

        relative = np.abs(value - exact) / np.bincount(cells, weights)
        assert relative.max() <= max(3 * rho ** (-2 * n_nodes), 1e-14)


def test_the_weights_of_few_points_are_found_when_nodes_suffice():
    """With as many nodes as points of support less one, moments 0..2m-1 no longer fix them; 2 of 3 do."""
    u, weights = np.array([-1.0, 0.2, 1.0]), np.array([2.0, 3.0, 5.0])

    nodes, node_weights = rule(u, weights, np.zeros(3, dtype=int), 2, n_cells=1)

    for degree in range(4):
        assert node_weights[0] @ nodes[0] ** degree == pytest.approx(weights @ u**degree, abs=1e-12)


def test_moments_are_sums_of_chebyshev_polynomials():
    u, weights, cells = measures(5)

    moments = chebyshev_moments(u, weights, cells, (3, 6))

    for k in range(6):
        terms = weights * np.cos(k * np.arccos(u))
        np.testing.assert_allclose(moments[:, k], np.bincount(cells, terms), atol=1e-9)
