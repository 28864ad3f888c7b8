"""Do counts differ from row to row by more than their probabilities let them."""

from __future__ import annotations

import numpy as np

from data_science.arrays import Floats
from data_science.formula.rows import Observations
from data_science.likelihood import binomial
from data_science.limits import ROWS_MIN

_ROWS, _REPLICATIONS = 10_000, 500


def dispersion(rows: Observations, eta: Floats, seed: int) -> tuple[float, float] | None:
    """Compare Pearson's statistic with that of counts drawn from the probabilities.

    A fit to the same rows makes it smaller, never larger, so that what is found is there.

    Parameters
    ----------
    rows : Observations
    eta : array, shape (row,)
        Linear predictor of the fit.
    seed : int
        Of what is drawn.

    Returns
    -------
    tuple of float or None
        Variance over that of the binomial distribution, and the chance of as much were the probabilities
        right; None where hardly any row has several trials.
    """
    several = np.flatnonzero(rows.trials > 1)
    if len(several) < ROWS_MIN:
        return None
    kept = several[:: -(-len(several) // _ROWS)]
    y, n, p = rows.successes[kept], rows.trials[kept].astype(np.int64), binomial.probability(eta[kept])
    variance = np.maximum(binomial.variance(n * p, p), np.finfo(float).tiny)
    rng = np.random.default_rng(seed)
    drawn = [_mean_square(rng.binomial(n, p).astype(float), n * p, variance) for _ in range(_REPLICATIONS)]
    observed = _mean_square(y, n * p, variance)
    return observed, float(np.mean(np.array(drawn) >= observed))


def _mean_square(y: Floats, mean: Floats, variance: Floats) -> float:
    return float((np.square(y - mean) / variance).mean())
