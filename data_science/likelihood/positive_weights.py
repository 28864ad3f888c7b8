"""Positive weights on few columns whose weighted sum is a given vector.

Tilting finds weights on all candidates: the nearest to given ones in relative entropy, hence positive (the
dual of Csiszár 1975, doi:10.1214/aop/1176996454). Elimination then walks along null vectors until no more
columns are left than sums (Carathéodory), which never leaves the positive weights.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas, lstsq, qr

from data_science.arrays import Floats, Ints

_STEPS = 40  # of Newton's method; where a solution exists, about ten suffice
_LARGEST_EXPONENT = 50.0
_SMALLEST_STEP = 1e-4
_SOLVED = 1e-10  # of the mean weight: what may be left of a sum, before refinement
_DEPENDENT = 1e-13  # of the largest pivot: below it a row adds nothing to those before


class InfeasibleError(ArithmeticError):
    """No positive weights on these columns were found."""


def few_positive_weights(rows: Floats, target: Floats, base: Floats) -> tuple[Ints, Floats]:
    """Find positive weights on at most as many columns as there are rows.

    Parameters
    ----------
    rows : array, shape (sum, column)
        Orthonormal rows, or nearly so.
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
    close = _SOLVED * base.mean()
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
    """Reduce positive weights to at most as many columns as there are rows, with the same sums."""
    n_rows, n_columns = rows.shape
    weights = weights.copy()
    kept = np.empty(0, dtype=np.intp)
    at = 0
    while at < n_columns:
        end = min(n_columns, at + max(2 * n_rows - len(kept), 1))
        kept = np.concatenate([kept, np.arange(at, end)])
        at = end
        if len(kept) <= n_rows:
            continue
        relative = rows[:, kept] * weights[kept]  # null vectors of relative changes have an even scale
        full, triangle, _ = qr(relative.T, mode="full", pivoting=True, check_finite=False)
        pivots = np.abs(np.diag(triangle))
        rank = int((pivots > _DEPENDENT * pivots[0]).sum())
        weights[kept] *= _walked(full[:, rank:])
        kept = kept[weights[kept] > 0]
    return kept, weights[kept]


def _walked(null: Floats) -> Floats:
    """Factors from 1 down to 0 for as many columns as there are null vectors; ``null`` is (column, vector).

    Each null vector is followed to the first column that reaches zero; the later ones are then freed of that
    column.
    """
    left = np.array(null, order="F")
    factors = np.ones(len(left))
    inverse = np.ones(len(left))  # of the factors; 0 where the column is gone
    for j in range(left.shape[1]):
        vector = left[:, j]
        ratio = vector * inverse
        gone = int(np.argmax(np.abs(ratio)))
        if ratio[gone] == 0.0:
            continue
        factors -= vector / ratio[gone]
        np.maximum(factors, 0.0, out=factors)
        factors[gone] = inverse[gone] = 0.0
        alive = inverse > 0
        inverse[alive] = 1 / np.maximum(factors[alive], 1e-300)
        if j + 1 < left.shape[1]:
            rest = left[:, j + 1 :]
            shares = rest[gone] / vector[gone]
            blas.dger(-1.0, vector, shares, a=rest, overwrite_a=1)
            rest[gone] = 0.0
    return factors
