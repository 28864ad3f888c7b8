"""Matched nodes of plain arrays: the sums that they promise, and the rows that keep themselves."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from scipy.special import expit

from data_science.likelihood.expansion import Monomials, n_sums
from data_science.likelihood.matched import Matching, match, nodes_needed, reduced

DERIVATIVES = (
    lambda p: p,
    lambda p: p * (1 - p),
    lambda p: p * (1 - p) * (1 - 2 * p),
    lambda p: p * (1 - p) * (1 - 6 * p * (1 - p)),
)


def arrays(sizes=(3_000, 2_000), p=2, seed=1):
    """Return features, trials, starts, slopes and roots, as of a posterior with an sd of about 0.05 logits."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    features = np.column_stack([np.ones(n), rng.normal(size=(n, p))])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    slopes = rng.normal(size=(len(sizes), 1 + p))
    roots = 0.03 * np.triu(np.ones((1 + p, 1 + p))) + 0.02 * rng.normal(size=(len(sizes), 1 + p, 1 + p))
    return features, rng.integers(1, 4, n).astype(float), starts, slopes, roots


def sums(features, weights, slopes, root, order):
    """Sums of n A^(k) z^alpha for all alpha up to the order, written out."""
    z, p = features @ root.T, expit(features @ slopes)
    found = [weights.sum()]
    for k in range(1, order + 1):
        d = weights * DERIVATIVES[k - 1](p)
        found += [
            d @ z[:, alpha].prod(axis=1) for alpha in combinations_with_replacement(range(z.shape[1]), k)
        ]
    return np.array(found)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_every_sum_up_to_the_order_is_that_of_all_rows(order):
    features, trials, starts, slopes, roots = arrays()

    rows, weights = match(
        features, trials, starts, slopes, roots, Matching(order, 1e-9, np.inf), np.random.default_rng(2)
    )

    assert (weights > 0).all()
    assert (np.diff(rows) > 0).all()
    for stratum in range(2):
        here = slice(starts[stratum], starts[stratum + 1])
        own = (rows >= here.start) & (rows < here.stop)
        assert own.sum() <= n_sums(3, order)
        of_nodes = sums(features[rows[own]], weights[own], slopes[stratum], roots[stratum], order)
        of_rows = sums(features[here], trials[here], slopes[stratum], roots[stratum], order)
        np.testing.assert_allclose(of_nodes, of_rows, atol=1e-7)


def test_a_stratum_of_few_rows_keeps_them():
    features, trials, starts, slopes, roots = arrays(sizes=(30, 2_000))

    rows, weights = match(
        features, trials, starts, slopes, roots, Matching(3, 1e-6, np.inf), np.random.default_rng(2)
    )

    assert rows[:30].tolist() == list(range(30))
    np.testing.assert_array_equal(weights[:30], trials[:30])
    assert len(rows) <= 30 + n_sums(3, 3)
    assert nodes_needed(np.array([30, 2_000]), 3, 3) == 30 + n_sums(3, 3)


def test_a_row_whose_own_remainder_counts_keeps_itself_with_its_weight():
    features, trials, starts, slopes, roots = arrays()
    features[17, 1] = 40.0
    slopes[:] = [0.1, 0.0, 0.0]  # else the row's own probability is one, and all its derivatives nil

    rows, weights = match(
        features, trials, starts, slopes, roots, Matching(3, 1e-6, 1e-2), np.random.default_rng(2)
    )

    assert weights[rows == 17].tolist() == [trials[17]]
    assert len(rows) < 100


def test_functions_that_depend_on_each_other_are_matched_once():
    features, trials, starts, slopes, roots = arrays(p=3)
    features[:, 3] = features[:, 1] - 2 * features[:, 2]

    rows, weights = match(
        features, trials, starts, slopes, roots, Matching(3, 1e-7, np.inf), np.random.default_rng(2)
    )

    assert len(rows) <= 2 * n_sums(3, 3)
    for stratum in range(2):
        here = slice(starts[stratum], starts[stratum + 1])
        own = (rows >= here.start) & (rows < here.stop)
        np.testing.assert_allclose(
            sums(features[rows[own]], weights[own], slopes[stratum], roots[stratum], 3),
            sums(features[here], trials[here], slopes[stratum], roots[stratum], 3),
            atol=1e-4,
        )


def test_rows_that_are_all_alike_are_one_node():
    features, trials, starts, slopes, roots = arrays(sizes=(2_000,))
    features[:] = [1.0, 0.3, -0.2]

    rows, weights = match(
        features, trials, starts, slopes, roots, Matching(3, 1e-6, np.inf), np.random.default_rng(2)
    )

    assert len(rows) == 1
    assert weights.sum() == pytest.approx(trials.sum())


def test_nodes_of_several_strata_become_fewer_with_the_same_sums_in_all_coefficients():
    features, trials, _, slopes, roots = arrays(sizes=(400,), p=3)

    nodes, weights = reduced(features, trials, slopes[0], roots[0], Matching(2, 1e-9, np.inf))

    assert len(nodes) <= n_sums(4, 2)
    np.testing.assert_allclose(
        sums(features[nodes], weights, slopes[0], roots[0], 2),
        sums(features, trials, slopes[0], roots[0], 2),
        atol=1e-6,
    )


@pytest.mark.parametrize(("n_variables", "order"), [(1, 4), (3, 3), (6, 2)])
def test_monomials_are_all_of_them_each_once(n_variables, order):
    monomials = Monomials.of(n_variables, order)
    powers = [np.zeros(n_variables, dtype=int)]
    for parent, variable in zip(monomials.parent, monomials.variable, strict=True):
        raised = powers[1 + parent].copy()
        raised[variable] += 1
        powers.append(raised)

    assert len({tuple(p) for p in powers}) == n_sums(n_variables, order) == 1 + len(monomials)
    assert [p.sum() for p in powers[1:]] == monomials.degree.tolist()
