"""Whom a threshold contacts, and how many positives are among them: counts at any ratio of two costs.

Cost is least if those are contacted whose log odds exceed the logarithm of the ratio of the two costs: of a
false alarm and of a missed positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import logit

PER_UNIT = 1_000  # steps of a tally per unit of log odds: a threshold is met to 0.05 % of its odds
_TINY = 1e-15  # the log odds of 0 and 1 are infinite


@dataclass(frozen=True, slots=True)
class Tally:
    """Clients above each threshold of a fine grid.

    Attributes
    ----------
    n_clients, n_positives : int
    above : DataFrame
        ``clients`` and ``positives`` whose log odds, in thousandths and rounded up, are at least the index.
        So they lie above every threshold whose log odds are a whole number of thousandths below the index.
    """

    n_clients: int
    n_positives: int
    above: pd.DataFrame

    def beyond(self, odds: float) -> tuple[int, int]:
        """Return how many clients, and how many positives, lie above the threshold with these odds."""
        step = round(PER_UNIT * np.log(odds))
        place = int(np.searchsorted(self.above.index, step, side="right"))
        if place == len(self.above):
            return 0, 0
        clients, positives = self.above.iloc[place]
        return int(clients), int(positives)


def tally(label: ArrayLike, probability: ArrayLike) -> Tally:
    """Count clients and positives above every threshold of the grid, where the counts change.

    Parameters
    ----------
    label, probability : array, shape (row,)
    """
    truth = np.asarray(label) == 1
    odds = logit(np.clip(np.asarray(probability, dtype=float), _TINY, 1 - _TINY))
    steps = pd.Series(np.ceil(PER_UNIT * odds).astype(int), name="step")
    counted = pd.DataFrame({"clients": 1, "positives": truth.astype(int)}).groupby(steps).sum()
    return Tally(len(truth), int(truth.sum()), counted.iloc[::-1].cumsum().iloc[::-1])


def by_cost_ratio(counted: Tally, ratios: Sequence[float]) -> pd.DataFrame:
    """Say whom the threshold of each cost ratio contacts, beside as many clients taken blindly.

    Parameters
    ----------
    counted : Tally
    ratios : sequence of float
        Cost of a missed positive, in false alarms.

    Returns
    -------
    DataFrame
        Indexed by ratio: ``threshold``, ``contacted``, ``positives found``, ``found blindly``, and ``cost``
        of all clients, in false alarms.
    """
    cost = np.asarray(ratios, dtype=float)
    contacted, found = np.array([counted.beyond(1 / ratio) for ratio in cost]).T
    columns = {
        "threshold": 1 / (1 + cost),
        "contacted": contacted,
        "positives found": found,
        "found blindly": contacted * counted.n_positives / counted.n_clients,
        "cost": contacted - found + cost * (counted.n_positives - found),
    }
    return pd.DataFrame(columns, pd.Index(ratios, name="cost ratio"))
