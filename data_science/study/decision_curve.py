"""What a prediction is worth: expected cost and net benefit over thresholds, with posterior bands.

Net benefit: Vickers and Elkin 2006, doi:10.1177/0272989X06295361; its posterior from counts: Cruz and
others 2023 (bayesDCA), arXiv:2308.02067.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
_JEFFREYS = 0.5  # of each kind of outcome


@dataclass(frozen=True, slots=True)
class Strategies:
    """A prediction beside the two strategies that need none, by threshold; each low, middle, high."""

    model: pd.DataFrame
    all_ones: pd.DataFrame
    all_zeros: pd.DataFrame
    gain: pd.DataFrame  # model against the better of the others, from the same draws

    @property
    def useful(self) -> pd.Index[float]:
        """Where the model is better than both, with at least 97.5 % posterior probability."""
        return self.gain.index[self.gain["low"] > 0]


def net_benefit(
    label: npt.ArrayLike,
    probability: npt.ArrayLike,
    thresholds: npt.ArrayLike,
    *,
    n_draws: int = 2_000,
    seed: int = 1,
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
    draws = _shares(label, probability, thresholds, n_draws, seed)
    index = pd.Index(np.asarray(thresholds, dtype=float), name="threshold")
    odds = (index.to_numpy() / (1 - index.to_numpy()))[:, None]
    found, missed, alarm, rejected = np.moveaxis(draws, -1, 0)
    model = found - odds * alarm
    all_ones = (found + missed) - odds * (alarm + rejected)
    return _strategies(index, model, all_ones, np.zeros_like(model), larger_is_better=True)


def expected_cost(
    label: npt.ArrayLike,
    probability: npt.ArrayLike,
    cost_ratios: npt.ArrayLike,
    *,
    n_draws: int = 2_000,
    seed: int = 1,
) -> Strategies:
    """Find the expected cost per client where a missed positive costs ``cost_ratios`` false alarms.

    Parameters
    ----------
    label, probability : array, shape (row,)
    cost_ratios : array, shape (ratio,)
        Each gives the threshold 1 / (1 + ratio), at which expected cost is least.
    n_draws, seed : int
        As in :func:`net_benefit`.

    Returns
    -------
    Strategies
        Its ``gain`` is what the model saves.
    """
    ratios = np.asarray(cost_ratios, dtype=float)
    draws = _shares(label, probability, 1 / (1 + ratios), n_draws, seed)
    found, missed, alarm, rejected = np.moveaxis(draws, -1, 0)
    model = alarm + ratios[:, None] * missed
    all_zeros = ratios[:, None] * (found + missed)
    index = pd.Index(ratios, name="cost ratio")
    return _strategies(index, model, alarm + rejected, all_zeros, larger_is_better=False)


def outcomes(
    label: npt.ArrayLike, probability: npt.ArrayLike, thresholds: Mapping[str, float]
) -> pd.DataFrame:
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
    label: npt.ArrayLike, probability: npt.ArrayLike, thresholds: npt.ArrayLike, n_draws: int, seed: int
) -> Floats:
    """Draws of the shares of positives found, missed, false alarms, and the rest: (threshold, draw, 4)."""
    truth, predicted = np.asarray(label) == 1, np.asarray(probability, dtype=float)
    rng, n_rows = np.random.default_rng(seed), len(truth)
    drawn = []
    for threshold in np.asarray(thresholds, dtype=float):
        chosen = predicted > threshold
        found, alarms = int((chosen & truth).sum()), int((chosen & ~truth).sum())
        missed = int(truth.sum()) - found
        counts = np.array([found, missed, alarms, n_rows - found - missed - alarms])
        drawn.append(rng.dirichlet(counts + _JEFFREYS, size=n_draws))
    return np.array(drawn)


def _strategies(
    index: pd.Index[float], model: Floats, ones: Floats, zeros: Floats, *, larger_is_better: bool
) -> Strategies:
    sign = 1 if larger_is_better else -1
    # The better of the two is chosen by what it is on average, as one would have to without seeing the draw.
    ones_better = sign * (ones.mean(axis=1) - zeros.mean(axis=1)) > 0
    default = np.where(ones_better[:, None], ones, zeros)
    return Strategies(*(_bands(index, values) for values in (model, ones, zeros, sign * (model - default))))


def _bands(index: pd.Index[float], draws: Floats) -> pd.DataFrame:
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975], axis=1)
    return pd.DataFrame({"low": low, "middle": middle, "high": high}, index=index)
