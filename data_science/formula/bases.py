"""Bases of several columns: B-splines, extrapolated as `scipy` does, and orthogonal polynomials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data_science.arrays import Floats


def b_splines(x: Floats, knots: Sequence[float], degree: int) -> list[Floats]:
    """Evaluate every B-spline of a sequence of knots.

    Outside the boundary knots the polynomial pieces next to them go on, as formulae (through `scipy`) does.

    Parameters
    ----------
    x : array, shape (row,)
    knots : sequence of float
        Ascending, the boundary knots repeated.
    degree : int

    Returns
    -------
    list of array, shape (row,)
        One column for each basis function, that of the intercept among them.
    """
    t = np.asarray(knots, dtype=np.float64)
    n_functions = len(t) - degree - 1
    piece = np.clip(np.searchsorted(t, x, side="right") - 1, degree, n_functions - 1)
    values = np.zeros((degree + 1, len(x)))  # of the functions that do not vanish on the row's piece
    values[0] = 1.0
    for order in range(1, degree + 1):
        lower = values[:order].copy()
        values[0] = 0.0
        for i in range(order):
            right, left = t[piece + i + 1], t[piece + i + 1 - order]
            width = right - left
            share = np.divide(lower[i], width, out=np.zeros_like(x), where=width != 0)
            values[i] += share * (right - x)
            values[i + 1] = share * (x - left)
    columns = np.zeros((n_functions, len(x)))
    rows = np.arange(len(x))
    for i in range(degree + 1):
        columns[piece - degree + i, rows] = values[i]
    return list(columns)


def orthogonal_polynomials(x: Floats, alpha: Sequence[float], norms: Sequence[float]) -> list[Floats]:
    """Evaluate polynomials of degree 1, 2, ... that were orthonormal on the training rows.

    Parameters
    ----------
    x : array, shape (row,)
    alpha : sequence of float
        Centres of the three-term recurrence, one for each degree.
    norms : sequence of float
        Squared norms on the training rows, from degree 0.
    """
    found = [np.ones_like(x)]
    for i, centre in enumerate(alpha):
        following = (x - centre) * found[i]
        if i > 0:
            following = following - norms[i] / norms[i - 1] * found[i - 1]
        found.append(following)
    return [values / np.sqrt(norm) for values, norm in zip(found[1:], norms[1:], strict=True)]
