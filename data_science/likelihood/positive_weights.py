"""Positive weights on few columns whose weighted sum is a given vector.

Tilting finds weights on all candidates: those nearest to given ones in relative entropy, hence positive (the
dual of Csiszár 1975, doi:10.1214/aop/1176996454). Elimination then leaves no more columns than there are sums
(Carathéodory), as the simplex method does: from one set of positive weights to the next.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas, lstsq, qr

from data_science.arrays import Floats, Ints

_STEPS = 40  # of Newton's method; where a solution exists, about ten suffice
_LARGEST_EXPONENT = 50.0
_SMALLEST_STEP = 1e-4
_SOLVED = 1e-11  # of the target: what may be left of a sum, before refinement


class InfeasibleError(ArithmeticError):
    """No positive weights on these columns were found."""


def few_positive_weights(rows: Floats, target: Floats, base: Floats) -> tuple[Ints, Floats]:
    """Find positive weights on at most as many columns as there are rows.

    Parameters
    ----------
    rows : array, shape (sum, column)
        Orthonormal with the weights ``base``, or nearly so.
    target : array, shape (sum,)
    base : array, shape (column,)
        Positive weights that nearly have the target, to start from.

    Returns
    -------
    columns : int array
        Which columns have a weight, ascending.
    weights : array
        ``rows[:, columns] @ weights`` is the target, to rounding.

    Raises
    ------
    InfeasibleError
        If none are found; with more columns, or other ones, there may be some.
    """
    columns, weights = eliminated(rows, tilted(rows, target, base))
    part = rows[:, columns]
    for _ in range(2):  # refinement: elimination accumulates rounding errors
        weights = weights + lstsq(part, target - part @ weights, lapack_driver="gelsy", check_finite=False)[0]
    if not weights.min() > -1e-9 * weights.max():
        raise InfeasibleError(f"a weight of {weights.min():.1e} after refinement")
    return columns[weights > 0], weights[weights > 0]


def tilted(rows: Floats, target: Floats, base: Floats) -> Floats:
    """Weights ``base * exp(rows' m)`` with the target sums, by Newton's method on the convex dual.

    Raises
    ------
    InfeasibleError
        If the target is outside, or at the border of, what positive weights can reach.
    """
    multipliers, weights, value = np.zeros(len(target)), base, float(base.sum())
    close = _SOLVED * float(np.linalg.norm(target))
    for _ in range(_STEPS):
        excess = rows @ weights - target
        if np.abs(excess).max() < close:
            return weights
        try:
            step = np.linalg.solve((rows * weights) @ rows.T, excess)
        except np.linalg.LinAlgError as error:
            raise InfeasibleError("the weights leave too few columns") from error
        size = 1.0
        while True:
            trial = multipliers - size * step
            exponent = trial @ rows
            if exponent.max() < _LARGEST_EXPONENT:
                reached = base * np.exp(exponent)
                lower = float(reached.sum() - trial @ target)
                if lower <= value + 1e-12 * abs(value):
                    break
            size /= 2
            if not size >= _SMALLEST_STEP:
                raise InfeasibleError("no step descends")
        multipliers, weights, value = trial, reached, lower
    raise InfeasibleError(f"not solved after {_STEPS} steps")


def eliminated(rows: Floats, weights: Floats) -> tuple[Ints, Floats]:
    """Reduce positive weights to at most as many columns as there are rows, with the same sums.

    A basis of columns expresses every other one. That column passes its weight to the basis, or as much of it
    as leaves the basis positive, and then replaces the column that has none left.
    """
    n_rows = len(rows)
    if rows.shape[1] <= n_rows:
        return np.arange(rows.shape[1]), weights
    relative = rows * weights  # weights relative to those that came are of even size: all start at one
    pivot = qr(relative, mode="r", pivoting=True, check_finite=False)[1]
    columns = np.ascontiguousarray(relative.T)
    basis, levels = pivot[:n_rows].copy(), np.ones(n_rows)
    inverse = np.asfortranarray(np.linalg.inv(columns[basis].T))
    swaps = 0
    for j in pivot[n_rows:]:
        shares = inverse @ columns[j]
        after = levels + shares
        if after.min() >= 0.0:
            levels = after
            continue
        at, step = _exchange(levels, shares)
        levels = np.maximum(levels + step * shares, 0.0)
        basis[at], levels[at] = j, 1.0 - step
        swaps += 1
        if swaps % n_rows == 0:  # updates accumulate rounding errors
            inverse = np.asfortranarray(np.linalg.inv(columns[basis].T))
            continue
        line = inverse[at] / shares[at]
        blas.dger(-1.0, shares, line, a=inverse, overwrite_a=1)
        inverse[at] = line
    order = np.argsort(basis)
    kept = order[levels[order] > 0.0]
    return basis[kept], levels[kept] * weights[basis[kept]]


def _exchange(levels: Floats, shares: Floats) -> tuple[int, float]:
    """Which column leaves the basis, and how much weight the newcomer passes on first; negative if it gains.

    Of the two ways, the one with the larger pivot keeps the basis well conditioned.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        bounds = levels / np.abs(shares)
    giving = int(np.argmin(np.where(shares < 0.0, bounds, np.inf)))
    taking = int(np.argmin(np.where(shares > 0.0, bounds, np.inf)))
    if shares[taking] > -shares[giving]:
        return taking, -float(bounds[taking])
    return giving, float(bounds[giving])
