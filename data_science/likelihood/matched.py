"""Matched nodes: a few rows of each stratum, with positive weights, that stand for all of its rows.

Around a pilot point the log-partition of a stratum is a Taylor series in what a posterior draw moves each row's
linear predictor by, ``sum_i n_i A(eta_i + u'z_i)``. Its coefficients up to order K, the sums of
``n_i A^(k)(eta_i) z_i^alpha`` with ``|alpha| = k``, and the number of trials are reproduced exactly by the
nodes. Each sum counts in nats at two posterior sds, so that what is worth nothing is not matched. A row whose own
remainder of that series counts keeps itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb, factorial, prod, sqrt

import numpy as np
from scipy.linalg import qr, solve_triangular

from data_science.arrays import Floats, Ints, Mask
from data_science.likelihood import binomial
from data_science.likelihood.positive_weights import InfeasibleError, few_positive_weights

_WIDTH = 2.0  # posterior sds at which sums are weighed
_BLOCK = 4_096  # rows at a time
_FEW = 1.5  # rows per matched sum, up to which a stratum keeps its rows
_POOLS = (5, 15, 45)  # candidates drawn at random, in numbers of sums; beyond, the stratum keeps its rows
_DEPENDENT = 1e-13  # of the largest pivot
_SECOND_MOMENTS = (1.0, 1.0, 3.0, 15.0, 105.0)  # of u^a for standard normal u: E u^(2 a)


@dataclass(frozen=True, slots=True)
class Matching:
    """How exactly nodes are to stand for rows."""

    order: int  # K, at most 4
    tolerance: float  # nats: sums, and combinations of them, that are worth less are not matched
    far: float  # nats of its own remainder from which a row keeps itself


@dataclass(frozen=True, slots=True)
class Monomials:
    """Monomials of degree 1 to K, each made from an earlier one times one variable."""

    parent: Ints  # -1 for the constant
    variable: Ints
    degree: Ints
    nats: Floats  # root mean square of u^alpha / alpha! over u ~ N(0, width^2)

    @classmethod
    @cache
    def of(cls, n_variables: int, order: int) -> Monomials:
        """Every monomial, by degree."""
        found: list[tuple[int, int, int, float]] = []
        level: list[tuple[int, tuple[int, ...]]] = [(-1, (0,) * n_variables)]
        for degree in range(1, order + 1):
            above, level = level, []
            for parent, powers in above:
                last = max((j for j in range(n_variables) if powers[j]), default=0)
                for j in range(last, n_variables):
                    raised = (*powers[:j], powers[j] + 1, *powers[j + 1 :])
                    level.append((len(found), raised))
                    nats = prod(sqrt(_SECOND_MOMENTS[a]) / factorial(a) for a in raised)
                    found.append((parent, j, degree, _WIDTH**degree * nats))
        parents, variables, degrees, nats_ = zip(*found, strict=True)
        return cls(np.array(parents), np.array(variables), np.array(degrees), np.array(nats_))

    def __len__(self) -> int:
        return len(self.parent)


def n_sums(n_variables: int, order: int) -> int:
    """How many sums are matched: so many nodes a stratum has, at most, and its far rows."""
    return comb(n_variables + order, order)


def nodes_needed(sizes: Ints, n_variables: int, order: int) -> int:
    """Nodes to be expected of strata of given sizes, far rows aside."""
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
        ``z = root @ features`` is what a posterior sd moves eta by; see :meth:`Pilot.roots`.
    matching : Matching
    rng : Generator
        Draws candidates.

    Returns
    -------
    rows : int array
        Rows that are nodes, ascending.
    weights : array
        Trials that each stands for.
    """
    monomials = Monomials.of(roots.shape[1], matching.order)
    rows, weights = [], []
    for stratum, (first, end) in enumerate(zip(starts[:-1], starts[1:], strict=True)):
        here = slice(first, end)
        own_rows, own_weights = np.arange(end - first), trials[here]
        if end - first > _FEW * (1 + len(monomials)):
            expanded = _Stratum(features[here], trials[here], slopes[stratum], roots[stratum], monomials)
            own_rows, own_weights = _matched(expanded, matching, rng)
        rows.append(own_rows + first)
        weights.append(own_weights)
    return np.concatenate(rows), np.concatenate(weights)


@dataclass(frozen=True, slots=True)
class _Stratum:
    """Rows of one stratum, and the functions of a row whose sums are matched."""

    features: Floats
    trials: Floats
    slopes: Floats
    root: Floats
    monomials: Monomials

    def functions(self, rows: Ints) -> Floats:
        """1, and ``A^(k)(eta) z^alpha`` in nats: shape (sum, row)."""
        features, each = self.features[rows], self.monomials
        z = self.root @ features.T
        derivatives = binomial.derivatives(features @ self.slopes, int(each.degree[-1]))
        values = np.empty((1 + len(each), len(rows)))
        values[0] = 1.0
        for k, (parent, variable) in enumerate(zip(each.parent, each.variable, strict=True), start=1):
            np.multiply(values[1 + parent], z[variable], out=values[k])
        for degree, derivative in enumerate(derivatives, start=1):
            values[1:][each.degree == degree] *= derivative
        values[1:] *= each.nats[:, None]
        return values

    def survey(self, matching: Matching) -> tuple[Floats, Floats, Mask]:
        """Sums over the rows that are near, squared length of z, and which rows are near."""
        n, order = len(self.trials), matching.order
        squares, near = np.empty(n), np.empty(n, dtype=np.bool_)
        sums = np.zeros(1 + len(self.monomials))
        for start in range(0, n, _BLOCK):
            block = slice(start, start + _BLOCK)
            features = self.features[block]
            z, eta = self.root @ features.T, features @ self.slopes
            squares[block] = (z**2).sum(0)
            near[block] = self.trials[block] * _remainder(eta, squares[block], order) <= matching.far
            self._add(sums, z, binomial.derivatives(eta, order), self.trials[block] * near[block])
        sums[1:] *= self.monomials.nats
        return sums, squares, near

    def _add(self, sums: Floats, z: Floats, derivatives: list[Floats], trials: Floats) -> None:
        """Add the sums of a block, in units before nats: all of one degree by one matrix product."""
        each = self.monomials
        sums[0] += trials.sum()
        values, first = np.ones((1, z.shape[1])), -1  # monomials of the degree before, and the first's place
        for degree, derivative in enumerate(derivatives, start=1):
            here = np.flatnonzero(each.degree == degree)
            products = (values * (derivative * trials)) @ z.T
            parent, variable = each.parent[here] - first, each.variable[here]
            sums[1 + here] += products[parent, variable]
            if degree < len(derivatives):
                values, first = values[parent] * z[variable], int(here[0])


def _remainder(eta: Floats, squares: Floats, order: int) -> Floats:
    """Bound of the remainder of each row's series within the width, in nats.

    The higher derivatives of A are at most the largest ``p (1 - p)`` on the way, up to a constant. The length
    of z alone would keep whole strata where the outcome is rare: eta is uncertain there, but all derivatives
    are nearly exp(eta), so that matching the first matches every one.
    """
    reach = _WIDTH * np.sqrt(squares)
    nearest = np.maximum(np.abs(eta) - reach, 0.0)
    curvature = binomial.derivatives(nearest, 2)[1]
    return np.asarray(curvature * reach ** (order + 1) / factorial(order + 1))


def _matched(stratum: _Stratum, matching: Matching, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Nodes of one stratum: its far rows, and few of the near ones with the sums of all of them."""
    sums, squares, is_near = stratum.survey(matching)
    far, near = np.flatnonzero(~is_near), np.flatnonzero(is_near)
    found, weights = near, stratum.trials[near]
    if len(near) > _FEW * len(sums):
        for pool in _POOLS:
            candidates, base = _candidates(near, squares, stratum.trials, len(sums), pool, rng)
            try:
                chosen, weights = _weighed(stratum, candidates, base, sums, matching.tolerance)
            except InfeasibleError:
                weights = stratum.trials[near]
                if len(candidates) == len(near):
                    break
            else:
                found = candidates[chosen]
                break
    rows = np.concatenate([far, found])
    order = np.argsort(rows)
    return rows[order], np.concatenate([stratum.trials[far], weights])[order]


def _candidates(
    near: Ints, squares: Floats, trials: Floats, n_sums_: int, pool: int, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Rows that may become nodes, with weights to start from.

    The rows that a posterior sd moves most stand for themselves: without them the sums may be out of reach.
    A sample of the others stands for all others.
    """
    if (1 + pool) * n_sums_ >= len(near):
        return near, trials[near]
    by_reach = near[np.argpartition(-squares[near], n_sums_ - 1)]
    extreme, rest = by_reach[:n_sums_], by_reach[n_sums_:]
    sample = rest[rng.choice(len(rest), pool * n_sums_, replace=False)]
    share = trials[rest].sum() / trials[sample].sum()
    return np.concatenate([extreme, sample]), np.concatenate([trials[extreme], share * trials[sample]])


def _weighed(
    stratum: _Stratum, candidates: Ints, base: Floats, sums: Floats, tolerance: float
) -> tuple[Ints, Floats]:
    """Positive weights on few candidates with the given sums, in an orthonormal basis of the functions."""
    functions = stratum.functions(candidates)
    n, total = len(candidates), base.sum()
    # Pivoting is slow: it is left to the small triangle of a first decomposition.
    first, small = qr(functions.T, mode="economic", check_finite=False)
    turn, triangle, pivot = qr(small, pivoting=True, check_finite=False)
    pivots = np.abs(np.diag(triangle))
    # what a direction is worth: its root mean square over rows, times trials, over the root of the nodes
    worth = pivots / np.sqrt(n) * total / np.sqrt(len(sums))
    rank = max(int(((worth > tolerance) & (pivots > _DEPENDENT * pivots[0])).sum()), 1)
    target = solve_triangular(triangle[:rank, :rank], sums[pivot[:rank]], trans="T", check_finite=False)
    return few_positive_weights(np.ascontiguousarray((first @ turn[:, :rank]).T), target, base)
