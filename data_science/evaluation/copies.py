"""Rows that look like copies of others: equal in every column, they never differ in the response either."""

from __future__ import annotations

import numpy as np

from data_science.arrays import Floats
from data_science.formula.rows import Observations
from data_science.likelihood import binomial

_EXPECTED = 20  # pairs of equal rows that chance lets differ in the response; fewer say nothing
_LEFT = 0.05  # share of these that copies may leave
_SETS = 20  # of equal rows; a few may be alike for a reason of their own
_OWN = 0.8  # values per set of the column that tells sets apart best; a value of many sets is no copy's


def n_copies(rows: Observations, eta: Floats) -> int:
    """Count the rows that are equal to another, if these agree in the response more than by chance.

    Parameters
    ----------
    rows : Observations
    eta : array, shape (row,)
        Linear predictor of the fit, which says how often two equal rows would differ by chance.
    """
    y = rows.successes
    if (rows.trials != 1).any():
        return 0
    first, cell = rows.distinct()
    count, ones = np.bincount(cell), np.bincount(cell, y)
    p = binomial.probability(eta[first])
    expected = float(count * (count - 1) @ binomial.variance(p, p))
    differ = float(ones @ (count - ones))
    if expected < _EXPECTED or differ > _LEFT * expected:
        return 0
    sets = rows.take(first[count > 1])
    n_values = [len(np.unique(values)) for values in (*sets.codes.values(), *sets.numeric.values())]
    if len(sets) < _SETS or max(n_values, default=0) < _OWN * len(sets):
        return 0
    return int(count[count > 1].sum())
