"""Pareto smoothing for many rows at once, equal to arviz-stats, which takes one row at a time.

Leave-one-out weighs each draw by ``r = 1 / p``, so a draw below the tail contributes ``r p = 1``: only the
tail's values are needed, and a partition finds them. Zhang and Stephens' fit (2009,
doi:10.1198/tech.2009.08017) is arithmetic over (row, candidate, tail draw), with one logarithm for a product
of many factors.
"""

from __future__ import annotations

from math import isqrt

import numpy as np

from data_science.arrays import Floats, Mask

_PRIOR_SCALE, _PRIOR_DRAWS, _PRIOR_SHAPE = 3, 10, 0.5  # as arviz-stats and R's loo have them
_FEWEST = 5  # draws that a tail can be fitted to
_RUN = 16  # factors multiplied before a logarithm is taken
_LARGEST = 1e15  # of a factor, so that no product of a run overflows
_ENTRIES = 400_000  # floats of (row, candidate, run) at a time: they stay in the processor's cache


def leave_one_out(ratios: Floats) -> tuple[Floats, Floats, Floats]:
    """Leave each row's observation out by Pareto-smoothed importance sampling.

    Parameters
    ----------
    ratios : array, shape (row, draw)
        ``1 / p`` of the row's observation, which must vary over the draws. Overwritten.

    Returns
    -------
    elpd : array, shape (row,)
    lppd : array, shape (row,)
        Log of the mean of p, for comparison.
    khat : array, shape (row,)
        NaN if the tail has no shape: too few draws, or too many that are equal.
    """
    n = _tail_length(ratios.shape[1])
    step = max(1, _ENTRIES // max(ratios.shape[1], _n_candidates(n) * n))
    parts = [_block(ratios[i : i + step], n) for i in range(0, len(ratios), step)]
    elpd, lppd, khat = np.concatenate(parts, axis=1)
    return elpd, lppd, khat


def _tail_length(n_draws: int) -> int:
    return int(3 * np.sqrt(n_draws)) if n_draws > 225 else n_draws // 5


def _n_candidates(n: int) -> int:
    return 30 + isqrt(n)


def _block(ratios: Floats, n: int) -> Floats:
    """Rows ``elpd, lppd, khat``."""
    n_draws = ratios.shape[1]
    n_body = n_draws - n
    ratios.partition(n_body - 1, axis=1)
    body, tail = ratios[:, :n_body], np.sort(ratios[:, n_body:], axis=1)
    largest = tail[:, -1:]
    smoothed, khat = _smoothed(body[:, -1:] / largest, tail / largest)
    smoothed *= largest
    total = body.sum(axis=1) + smoothed.sum(axis=1)
    elpd = np.log(n_body + (smoothed / tail).sum(axis=1)) - np.log(total)  # each draw below the tail adds 1
    np.reciprocal(ratios, out=ratios)
    return np.stack([elpd, np.log(ratios.mean(axis=1)), khat])


def _smoothed(cutoff: Floats, tail: Floats) -> tuple[Floats, Floats]:
    """Replace the tail by the fitted one's quantiles, none above the largest ratio; also k-hat."""
    n = tail.shape[1]
    shape, scale = _fitted(tail - cutoff)
    probability = (np.arange(n) + 0.5) / n
    with np.errstate(all="ignore"):
        k = shape[:, None]
        grown = np.where(
            k == 0, -np.log1p(-probability), np.expm1(-k * np.log1p(-probability)) / np.where(k == 0, 1, k)
        )
        smoothed = np.minimum(cutoff + scale[:, None] * grown, tail[:, -1:])
    return np.where((np.isfinite(shape) & (scale > 0))[:, None], smoothed, tail), shape


def _fitted(y: Floats) -> tuple[Floats, Floats]:
    """Shape and scale of a generalised Pareto distribution for each ascending row of ``y``."""
    n = y.shape[1]
    if n < _FEWEST:
        return np.full(len(y), np.nan), np.full(len(y), np.nan)
    m = _n_candidates(n)
    quartile = y[:, int(n / 4 + 0.5) - 1]
    has_shape: Mask = quartile > y[:, 0]
    with np.errstate(all="ignore"):
        candidates = (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (_PRIOR_SCALE * quartile[:, None])
        candidates += 1 / y[:, -1:]
        k = _mean_log1p(-candidates, y)
        score = n * (np.log(-candidates / k) - k - 1)
        weight = np.exp(score - score.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        weight[weight < 10 * np.finfo(float).eps] = 0.0
        weight /= weight.sum(axis=1, keepdims=True)
        b = (candidates * weight).sum(axis=1)
        shape = np.log1p(-b[:, None] * y).mean(axis=1)
        scale = -shape / b
    shape = (n * shape + _PRIOR_DRAWS * _PRIOR_SHAPE) / (n + _PRIOR_DRAWS)
    shape = np.where(np.isnan(shape), np.inf, shape)
    return np.where(has_shape, shape, np.nan), np.where(has_shape, scale, np.nan)


def _mean_log1p(a: Floats, y: Floats) -> Floats:
    """``mean_j log(1 + a_i y_j)`` for each candidate i of each row."""
    n_rows, n = y.shape
    if not (y[:, -1] < _LARGEST * y[:, int(n / 4 + 0.5) - 1]).all():
        return np.stack([np.log1p(a[row][:, None] * y[row]).mean(axis=1) for row in range(n_rows)])
    n_runs = -(-n // _RUN)
    padded = np.zeros((n_rows, _RUN * n_runs))
    padded[:, :n] = y  # what is padded is a factor of one
    factors = padded.reshape(n_rows, _RUN, 1, n_runs)
    product = 1 + a[:, :, None] * factors[:, 0]
    for place in range(1, _RUN):
        product *= 1 + a[:, :, None] * factors[:, place]
    return np.asarray(np.log(product).sum(axis=2) / n)
