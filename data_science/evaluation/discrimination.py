"""How often a prediction ranks two clients of different labels rightly (the area under the ROC curve)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats


@dataclass(frozen=True, slots=True)
class Concordance:
    """Share of pairs that are ranked rightly, a tie counting half, with its 95 % interval."""

    low: float
    middle: float
    high: float


def concordance(label: npt.ArrayLike, probability: npt.ArrayLike) -> Concordance:
    """Compare every client of label 1 with every client of label 0.

    Parameters
    ----------
    label, probability : array, shape (row,)
        Both labels must occur.

    Returns
    -------
    Concordance
        Interval by DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595, from ranks as in Sun and Xu
        2014, doi:10.1109/LSP.2014.2337313.
    """
    truth, predicted = np.asarray(label) == 1, np.asarray(probability, dtype=float)
    ranks = stats.rankdata(predicted)
    ones, zeros = truth.sum(), (~truth).sum()
    below = (ranks[truth] - stats.rankdata(predicted[truth])) / zeros  # share of zeros below each one
    above = 1 - (ranks[~truth] - stats.rankdata(predicted[~truth])) / ones  # share of ones above each zero
    middle = float(below.mean())
    half = 1.96 * float(np.sqrt(_variance(below) / ones + _variance(above) / zeros))
    return Concordance(max(middle - half, 0.0), middle, min(middle + half, 1.0))


def _variance(shares: npt.NDArray[np.float64]) -> float:
    return float(shares.var(ddof=1)) if len(shares) > 1 else 0.25  # of one client nothing is known
