"""What two models say about labelled rows, client by client; changes with what counts as better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.likelihood import binomial
from data_science.prediction.predictor import Predictor
from data_science.watch.duel import Night
from data_science.watch.effects import FLOOR

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Known:
    """What turned out to be true of rows.

    Attributes
    ----------
    successes, trials : array, shape (row,)
        Trials are 1 where the response is a label.
    client : array of int, shape (row,)
        Whose each row is: 0, 1, ... without gaps.
    """

    successes: Floats
    trials: Floats
    client: Ints


@dataclass(frozen=True, slots=True)
class Answered:
    """Probabilities and labels of one model."""

    p: Floats
    label: Floats

    @classmethod
    def by(cls, predictor: Predictor, features: pd.DataFrame) -> Answered:
        """Ask a model: the probabilities are averaged over its posterior."""
        p = np.clip(predictor.predict_proba(features, "posterior"), FLOOR, 1.0 - FLOOR)
        return cls(p, predictor.predict_batch(features).astype(np.float64))


def night(champion: Answered, candidate: Answered, known: Known, threshold: float) -> Night:
    """Return how much better the candidate was on each client.

    Parameters
    ----------
    champion, candidate : Answered
        To the same rows.
    known : Known
    threshold : float
        The champion's, which says what the two errors cost.
    """
    y, n = known.successes, known.trials
    of_success = np.log(candidate.p) - np.log(champion.p)
    of_failure = np.log1p(-candidate.p) - np.log1p(-champion.p)
    score = y * of_success + (n - y) * of_failure
    # What a positive label costs more than a negative one, if the costs of the two errors average 1.
    dearer = 2.0 * (threshold * n - y)
    cost = (champion.label - candidate.label) * dearer
    middle = (champion.p + candidate.p) / 2.0
    variance = binomial.variance(n * middle, middle)
    differ = champion.label != candidate.label
    return Night(
        np.bincount(known.client, weights=score),
        np.bincount(known.client, weights=cost),
        float((variance * (of_success - of_failure) ** 2).sum()),
        float(4.0 * variance[differ].sum()),
        float(variance.sum()),
        len(y),
    )
