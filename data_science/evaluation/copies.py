"""Rows that look like copies of others: equal in every column, they never differ in the response either."""

from __future__ import annotations

import numpy as np

from data_science.arrays import Floats
from data_science.formula.rows import Observations
from data_science.likelihood import binomial

_EXPECTED = 20  # pairs of equal rows that chance lets differ in the response; fewer say nothing
_LEFT = 0.05  # share of these that copies may leave
_MOST_ALIKE = 50  # rows for each distinct one; beyond, columns of few values may determine the response
_RARER_MIN = 20  # of the rarer response


def n_copies(rows: Observations, eta: Floats) -> int:
    """Count the rows that are equal to another, if these agree in the response more than by chance.

    Parameters
    ----------
    rows : Observations
    eta : array, shape (row,)
        Linear predictor of the fit, which says how often two equal rows would differ by chance.
    """
    y = rows.successes
    if (rows.trials != 1).any() or not _RARER_MIN <= y.sum() <= len(y) - _RARER_MIN:
        return 0
    first, cell = rows.distinct()
    count, ones = np.bincount(cell), np.bincount(cell, y)
    p = binomial.probability(eta[first])
    expected = float(count * (count - 1) @ (p * (1 - p)))
    differ = float(ones @ (count - ones))
    if len(y) > _MOST_ALIKE * len(first) or expected < _EXPECTED or differ > _LEFT * expected:
        return 0
    return int(count[count > 1].sum())
