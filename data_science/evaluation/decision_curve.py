"""What a prediction is worth: expected cost and net benefit over thresholds, with posterior bands.

Net benefit: Vickers and Elkin 2006, doi:10.1177/0272989X06295361; its posterior from counts: Cruz and
others 2023 (bayesDCA), arXiv:2308.02067. Bands of single curves hold at each threshold; that of the gain
holds at all of them together, since the reader looks along it for the best place (sup-t bands: Montiel Olea
and Plagborg-Møller 2019, doi:10.1002/jae.2656).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from data_science.arrays import Floats

_BAND = (0.025, 0.5, 0.975)
_JEFFREYS = 0.5  # of each of the four outcomes


@dataclass(frozen=True, slots=True)
class Strategies:
    """A prediction beside the two strategies that need none, by threshold; each low, middle, high."""

    model: pd.DataFrame
    all_ones: pd.DataFrame
    all_zeros: pd.DataFrame
    gain: pd.DataFrame  # model against the better of the others, from the same draws; band of whole curves

    @property
    def useful(self) -> pd.Index[float]:
        """Where the band of the gain that holds 95 % of whole curves lies above zero."""
        return self.gain.index[self.gain["low"] > 0]


def cost_ratios(rate: float, n: int = 60) -> Floats:
    """Cost ratios from a twentieth to twenty times the one at which treating all alike changes sides."""
    return np.geomspace(1 / 20, 20, n) * (1 - rate) / rate


def thresholds(rate: float, probability: ArrayLike, n: int = 60) -> Floats:
    """Thresholds around the overall rate, as far as predictions reach."""
    highest = float(np.max(np.asarray(probability, dtype=float)))
    return np.linspace(rate / 10, min(0.99, max(2 * rate, 1.1 * highest)), n)


def net_benefit(
    label: ArrayLike, probability: ArrayLike, thresholds: ArrayLike, *, n_draws: int = 2_000, seed: int = 1
) -> Strategies:
    """Net benefit per client, in true positives: positives found, less false alarms at their exchange rate.

    Parameters
    ----------
    label, probability : array, shape (row,)
    thresholds : array, shape (threshold,)
        A threshold t says that a false alarm costs t / (1 - t) of what finding a positive is worth.
    n_draws, seed : int
        Of the posterior of the shares of outcomes, Dirichlet with Jeffreys' prior.
    """
    index = pd.Index(np.asarray(thresholds, dtype=float), name="threshold")
    odds = (index.to_numpy() / (1 - index.to_numpy()))[:, None]
    found, missed, alarm, rejected = _shares(label, probability, thresholds, n_draws, seed)
    model = found - odds * alarm
    all_ones = (found + missed) - odds * (alarm + rejected)
    return _strategies(index, model, all_ones, np.zeros_like(model), larger_is_better=True)


def expected_cost(
    label: ArrayLike, probability: ArrayLike, cost_ratios: ArrayLike, *, n_draws: int = 2_000, seed: int = 1
) -> Strategies:
    """Find the expected cost per client where a missed positive costs ``cost_ratios`` false alarms.

    Parameters
    ----------
    label, probability, n_draws, seed
        As in :func:`net_benefit`.
    cost_ratios : array, shape (ratio,)
        Each gives the threshold 1 / (1 + ratio), at which expected cost is least.

    Returns
    -------
    Strategies
        Its ``gain`` is what the model saves.
    """
    ratios = np.asarray(cost_ratios, dtype=float)
    found, missed, alarm, rejected = _shares(label, probability, 1 / (1 + ratios), n_draws, seed)
    model = alarm + ratios[:, None] * missed
    all_zeros = ratios[:, None] * (found + missed)
    index = pd.Index(ratios, name="cost ratio")
    return _strategies(index, model, alarm + rejected, all_zeros, larger_is_better=False)


def outcomes(label: ArrayLike, probability: ArrayLike, thresholds: Mapping[str, float]) -> pd.DataFrame:
    """Count what happens at named thresholds: predicted 1, how many of them rightly, and positives missed."""
    truth, predicted = np.asarray(label) == 1, np.asarray(probability, dtype=float)
    rows = {
        name: {
            "threshold": threshold,
            "predicted 1": int((predicted > threshold).sum()),
            "of them right": int(truth[predicted > threshold].sum()),
            "missed": int(truth[predicted <= threshold].sum()),
        }
        for name, threshold in thresholds.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _shares(
    label: ArrayLike, probability: ArrayLike, thresholds: ArrayLike, n_draws: int, seed: int
) -> Floats:
    """Draws of the shares of positives found, missed, false alarms, and the rest: (4, threshold, draw).

    At each threshold they are Dirichlet with Jeffreys' prior. One draw holds at all thresholds: it is of the
    shares between neighbouring ones, where the prior's clients lie below the first or above the last.
    """
    truth, predicted = np.asarray(label) == 1, np.asarray(probability, dtype=float)
    cuts, places = np.unique(np.asarray(thresholds, dtype=float), return_inverse=True)
    passed = np.searchsorted(cuts, predicted, side="left")  # how many cuts each client lies above
    counts = np.stack([np.bincount(passed[chosen], minlength=len(cuts) + 1) for chosen in (truth, ~truth)])
    counts = counts + _JEFFREYS * np.isin(np.arange(len(cuts) + 1), [0, len(cuts)])
    weights = np.random.default_rng(seed).standard_gamma(counts, size=(n_draws, *counts.shape))
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    above = np.cumsum(weights[..., ::-1], axis=2)[..., -2::-1]  # shares above each cut, (draw, 2, cut)
    positive, negative = weights.sum(axis=2).T[..., None]
    found, alarms = above[:, 0], above[:, 1]
    shares = np.stack([found, positive - found, alarms, negative - alarms])
    return np.moveaxis(shares, 1, 2)[:, places]


def _strategies(
    index: pd.Index[float], model: Floats, ones: Floats, zeros: Floats, *, larger_is_better: bool
) -> Strategies:
    sign = 1 if larger_is_better else -1
    # The better of the two is chosen by what it is on average, as one would have to without seeing the draw.
    ones_better = sign * (ones.mean(axis=1) - zeros.mean(axis=1)) > 0
    gain = sign * (model - np.where(ones_better[:, None], ones, zeros))
    of_model, of_ones, of_zeros = (
        _table(index, *np.quantile(values, _BAND, axis=1)) for values in (model, ones, zeros)
    )
    return Strategies(of_model, of_ones, of_zeros, _table(index, *_simultaneous(gain)))


def _simultaneous(draws: Floats) -> tuple[Floats, Floats, Floats]:
    """Bounds and median of a band that holds 95 % of whole curves (sup-t), from draws (threshold, draw)."""
    mean, sd = draws.mean(axis=1), draws.std(axis=1)
    away = np.abs(draws - mean[:, None])
    farthest = np.divide(away, sd[:, None], where=sd[:, None] > 0, out=np.zeros_like(away)).max(axis=0)
    half = np.quantile(farthest, 0.95) * sd
    return mean - half, np.median(draws, axis=1), mean + half


def _table(index: pd.Index[float], low: Floats, middle: Floats, high: Floats) -> pd.DataFrame:
    return pd.DataFrame({"low": low, "middle": middle, "high": high}, index=index)
