"""Few positive weights with given sums: found where they exist, refused where they do not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_science.likelihood.positive_weights import (
    InfeasibleError,
    eliminated,
    few_positive_weights,
    tilted,
)


def orthonormal(n_rows, n_columns, seed=1):
    """Rows as the matching makes them: a basis of which the first spans the constant."""
    rng = np.random.default_rng(seed)
    functions = np.vstack([np.ones(n_columns), rng.normal(size=(n_rows - 1, n_columns))])
    return np.ascontiguousarray(np.linalg.qr(functions.T)[0].T), rng


@given(n_rows=st.integers(1, 12), more=st.integers(0, 60), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_elimination_keeps_the_sums_and_positive_weights_on_few_columns(n_rows, more, seed):
    rows, rng = orthonormal(n_rows, n_rows + more, seed)
    weights = rng.exponential(size=n_rows + more) + 1e-3

    columns, left = eliminated(rows, weights)

    assert len(columns) <= n_rows
    assert (left > 0).all()
    np.testing.assert_allclose(rows[:, columns] @ left, rows @ weights, atol=1e-8 * weights.sum())


def test_elimination_bears_columns_that_repeat():
    rows, rng = orthonormal(6, 40)
    twice = np.hstack([rows, rows])
    weights = rng.exponential(size=80)

    columns, left = eliminated(twice, weights)

    assert len(columns) <= 6
    np.testing.assert_allclose(twice[:, columns] @ left, twice @ weights, atol=1e-10)


def test_tilted_weights_are_positive_and_have_the_target():
    rows, rng = orthonormal(8, 60)
    target = rows @ rng.uniform(0.5, 2.0, 60)

    weights = tilted(rows, target, np.ones(60))

    assert (weights > 0).all()
    np.testing.assert_allclose(rows @ weights, target, atol=1e-9)


def test_weights_that_have_the_target_already_stay():
    rows, rng = orthonormal(8, 60)
    base = rng.exponential(size=60)

    np.testing.assert_array_equal(tilted(rows, rows @ base, base), base)


def test_a_target_that_no_positive_weights_reach_is_refused():
    rows, _ = orthonormal(8, 60)

    with pytest.raises(InfeasibleError):
        few_positive_weights(rows, -rows @ np.ones(60), np.ones(60))


def test_a_mean_beyond_every_value_is_refused():
    values = np.linspace(-1, 1, 50)
    functions = np.vstack([np.ones(50), values])
    basis, triangle = np.linalg.qr(functions.T)
    beyond = np.linalg.solve(triangle.T, [50.0, 50 * 1.01])

    with pytest.raises(InfeasibleError):
        few_positive_weights(basis.T, beyond, np.ones(50))


def test_few_weights_have_the_target_to_rounding():
    rows, rng = orthonormal(30, 200)
    target = rows @ rng.uniform(0.7, 1.4, 200)

    columns, weights = few_positive_weights(rows, target, np.ones(200))

    assert len(columns) <= 30
    assert (np.diff(columns) > 0).all()
    np.testing.assert_allclose(rows[:, columns] @ weights, target, atol=1e-12)
