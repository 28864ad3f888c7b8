"""Matched nodes: a few rows of each stratum, with positive weights, that represent all of its rows.

The sums that make the Taylor series of a stratum's log-partition, and the number of its trials, are those of
its nodes, exactly. Sums worth nothing are not matched; a row whose own remainder matters is kept as a node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import qr, solve_triangular

from data_science.arrays import Floats, Ints
from data_science.likelihood.expansion import Monomials, Stratum, n_sums
from data_science.likelihood.positive_weights import InfeasibleError, few_positive_weights

_FEW = 1.5  # rows per matched sum, up to which a stratum keeps its rows
_POOLS = (5, 15, 45)  # candidates drawn at random, in numbers of sums
_YIELDING = (
    1,
    10,
    100,
)  # times the tolerance: what the largest pool cannot reach exactly, it may miss a little
_ENTRIES = 4_000_000  # of an array of (sum, row) up to which all rows are candidates at the end
_DEPENDENT = 1e-13  # of the largest pivot


@dataclass(frozen=True, slots=True)
class Matching:
    """How exactly nodes must represent rows."""

    order: int  # K, at most 4
    tolerance: float  # nats: sums, and combinations of them, that are worth less are not matched
    far: float  # nats of its own remainder from which a row keeps itself


def nodes_needed(sizes: Ints, n_variables: int, order: int) -> int:
    """Nodes to expect of strata of given sizes, without far rows."""
    m = n_sums(n_variables, order)
    return int(np.where(sizes > _FEW * m, m, sizes).sum())


def match(
    features: Floats,
    trials: Floats,
    starts: Ints,
    slopes: Floats,
    roots: Floats,
    matching: Matching,
    rng: np.random.Generator,
) -> tuple[Ints, Floats]:
    """Choose the nodes of every stratum, and their weights.

    Parameters
    ----------
    features : array, shape (row, feature)
        Sorted by stratum; the linear predictor is linear in them.
    trials : array, shape (row,)
    starts : int array, shape (stratum + 1,)
        Where the rows of each stratum begin.
    slopes : array, shape (stratum, feature)
        At the pilot point: ``eta = features @ slopes``.
    roots : array, shape (stratum, r, feature)
        ``z = root @ features`` is how far one posterior sd moves eta; see :meth:`Pilot.roots`.
    matching : Matching
    rng : Generator
        Draws candidates.

    Returns
    -------
    rows : int array
        Rows that are nodes, ascending.
    weights : array
        Trials that each represents.
    """
    monomials = Monomials.of(roots.shape[1], matching.order)
    rows, weights = [], []
    for stratum, (first, end) in enumerate(pairwise(starts.tolist())):
        here = slice(first, end)
        own_rows, own_weights = np.arange(end - first), trials[here]
        if end - first > _FEW * (1 + len(monomials)):
            expanded = Stratum(features[here], trials[here], slopes[stratum], roots[stratum], monomials)
            own_rows, own_weights = _matched(expanded, matching, rng)
        rows.append(own_rows + first)
        weights.append(own_weights)
    return np.concatenate(rows), np.concatenate(weights)


def reduced(
    features: Floats, weights: Floats, slopes: Floats, root: Floats, matching: Matching
) -> tuple[Ints, Floats]:
    """Reduce the nodes of several strata: match them again, as one stratum with all features.

    The series in all coefficients together has far fewer terms than all strata's series together.

    Parameters
    ----------
    features : array, shape (node, coefficient)
        Rows of the design.
    weights : array, shape (node,)
    slopes : array, shape (coefficient,)
        The coefficients at the pilot point.
    root : array, shape (coefficient, coefficient)
        Root of their posterior covariance, as in :func:`match`.
    matching : Matching

    Returns
    -------
    nodes, weights
        As :func:`match`; all of the input, if none can be dropped.
    """
    monomials = Monomials.of(len(root), matching.order)
    stratum = Stratum(features, weights, slopes, root, monomials)
    sums, _, is_near = stratum.survey(matching.far)
    near = np.flatnonzero(is_near)
    try:
        chosen, found = _weighed(stratum, near, weights[near], sums, matching.tolerance)
    except InfeasibleError:
        return np.arange(len(weights)), weights
    weights = np.where(is_near, 0.0, weights)
    weights[near[chosen]] = found
    kept = np.flatnonzero(weights)
    return kept, weights[kept]


def _matched(stratum: Stratum, matching: Matching, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Nodes of one stratum: its far rows, and few of the near ones with the sums of all of them."""
    sums, squares, is_near = stratum.survey(matching.far)
    far, near = np.flatnonzero(~is_near), np.flatnonzero(is_near)
    found, weights = near, stratum.trials[near]
    if len(near) > _FEW * len(sums):
        for candidates, base, yielding in _pools(near, squares, stratum.trials, len(sums), rng):
            try:
                chosen, weights = _weighed(stratum, candidates, base, sums, yielding * matching.tolerance)
            except InfeasibleError:
                continue
            found = candidates[chosen]
            break
    rows = np.concatenate([far, found])
    order = np.argsort(rows)
    return rows[order], np.concatenate([stratum.trials[far], weights])[order]


def _pools(
    near: Ints, squares: Floats, trials: Floats, n_sums_: int, rng: np.random.Generator
) -> Iterator[tuple[Ints, Floats, float]]:
    """Ever larger sets of rows that may become nodes, with initial weights and a factor on the tolerance.

    The rows that a posterior sd moves most are candidates themselves: without them the sums may be out of
    reach. A sample of the others represents all others. All rows together have the sums from the start.
    """
    for pool in _POOLS:
        if (1 + pool) * n_sums_ >= len(near):
            break
        by_reach = near[np.argpartition(-squares[near], n_sums_ - 1)]
        extreme, rest = by_reach[:n_sums_], by_reach[n_sums_:]
        sample = rest[rng.choice(len(rest), pool * n_sums_, replace=False)]
        share = trials[rest].sum() / trials[sample].sum()
        candidates = np.concatenate([extreme, sample])
        base = np.concatenate([trials[extreme], share * trials[sample]])
        for yielding in _YIELDING if pool == _POOLS[-1] else _YIELDING[:1]:
            yield candidates, base, yielding
    if n_sums_ * len(near) <= _ENTRIES:
        yield near, trials[near], 1.0


def _weighed(
    stratum: Stratum, candidates: Ints, base: Floats, sums: Floats, tolerance: float
) -> tuple[Ints, Floats]:
    """Positive weights on few candidates with the given sums, in an orthonormal basis of the functions."""
    each = np.sqrt(base)
    # Pivoting is slow: it is left to the small triangle of a first decomposition.
    first, small = qr((stratum.functions(candidates) * each).T, mode="economic", check_finite=False)
    turn, triangle, pivot = qr(small, pivoting=True, check_finite=False)
    pivots = np.abs(np.diag(triangle))
    # what a direction is worth: its root mean square over trials, times trials, over the root of the nodes
    worth = pivots * np.sqrt(base.sum() / len(sums))
    rank = max(int(((worth > tolerance) & (pivots > _DEPENDENT * pivots[0])).sum()), 1)
    target = solve_triangular(triangle[:rank, :rank], sums[pivot[:rank]], trans="T", check_finite=False)
    return few_positive_weights((turn[:, :rank].T @ first.T) / each, target, base)
