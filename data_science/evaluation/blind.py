"""What is known of rows without any feature: the overall rate, and the offsets."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from data_science.arrays import Floats
from data_science.formula.rows import Observations
from data_science.likelihood import binomial


def blind_predictor(rows: Observations, offset: Floats | None) -> Floats:
    """Linear predictor of every row with the one intercept that gives the overall rate, shape (row,).

    Parameters
    ----------
    rows : Observations
    offset : array, shape (row,), or None
        What is added to the linear predictor as it is.
    """
    known = np.zeros(len(rows)) if offset is None else offset
    return known + blind_intercept(rows, offset)


def blind_intercept(rows: Observations, offset: Floats | None) -> float:
    """Find that intercept."""
    whole = binomial.logit(float(rows.successes.sum()) / float(rows.trials.sum()))
    if offset is None:
        return float(whole)
    expected = float(rows.successes.sum())

    def excess(intercept: float) -> float:
        return float(rows.trials @ binomial.probability(intercept + offset)) - expected

    return float(brentq(excess, whole - offset.max() - 1, whole - offset.min() + 1))
