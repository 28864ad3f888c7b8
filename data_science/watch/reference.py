"""What training saw, in counts and means and never a row; changes with what later rows are compared by.

Stored with a version as `reference.json`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from data_science.arrays import Floats
from data_science.likelihood.binomial import log_odds
from data_science.prediction.predictor import Predictor
from data_science.watch.histograms import Histogram

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
MOST_ROWS = 100_000  # of a larger table a sample says the same
_LOGIT_BINS = 20


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says about some rows."""

    probability: Floats
    label: Floats

    @classmethod
    def of(cls, predictor: Predictor, features: pd.DataFrame) -> Self:
        """Ask a model about every row; a FeatureError says what cannot be read."""
        label = predictor.predict_batch(features).astype(np.float64)
        return cls(predictor.predict_proba(features), label)

    def take(self, rows: Any) -> Answers:
        """Return the answers of some rows."""
        return Answers(self.probability[rows], self.label[rows])

    def costs(self, threshold: float) -> Floats:
        """Return each label's expected cost, if the costs of the two errors average 1."""
        p = self.probability
        return np.where(self.label == 1.0, 2.0 * threshold * (1.0 - p), 2.0 * (1.0 - threshold) * p)

    @property
    def logits(self) -> Floats:
        """The linear predictor that these probabilities stand for."""
        return log_odds(np.clip(self.probability, 1e-12, 1.0 - 1e-12))


@dataclass(frozen=True)
class Reference:
    """What the rows of training looked like to their model.

    Attributes
    ----------
    n_rows : int
        Rows that were counted.
    columns : mapping of str to Histogram
        Of each column that the model reads, and of no other.
    logit : Histogram
        Of the linear predictor.
    label_share, cost : float
        Share of rows that get label 1; mean expected cost of a label, if both errors' costs average 1.
    cost_sd : float
        Its standard deviation over rows.
    """

    n_rows: int
    columns: Mapping[str, Histogram]
    logit: Histogram
    label_share: float
    cost: float
    cost_sd: float

    @classmethod
    def learn(cls, predictor: Predictor, frame: pd.DataFrame) -> Self:
        """Learn from the rows of training."""
        rows = _spread(len(frame))
        frame = frame if rows is None else frame.iloc[rows]
        answers = Answers.of(predictor, frame)
        costs = answers.costs(predictor.threshold)
        return cls(
            len(frame),
            {column.name: Histogram.learn(frame[column.name]) for column in predictor.columns},
            Histogram.cut(answers.logits, _LOGIT_BINS),
            float(answers.label.mean()),
            float(costs.mean()),
            float(costs.std()),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it with JSON types."""
        return {
            "format": FORMAT,
            "rows": self.n_rows,
            "columns": {name: histogram.to_json() for name, histogram in self.columns.items()},
            "logit": self.logit.to_json(),
            "label_share": self.label_share,
            "cost": self.cost,
            "cost_sd": self.cost_sd,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_json` gave.

        Raises
        ------
        ValueError
            If it is of another format, or no such document.
        """
        if document.get("format") != FORMAT:
            raise ValueError(f"the reference has format {document.get('format')!r}; expected {FORMAT}")
        try:
            return cls(
                int(document["rows"]),
                {name: Histogram.from_json(one) for name, one in document["columns"].items()},
                Histogram.from_json(document["logit"]),
                *(float(document[name]) for name in ("label_share", "cost", "cost_sd")),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the reference is incomplete: {error!r}") from error


def _spread(n_rows: int) -> Any:
    """Return places over the whole table, one at random in each stretch; None for all of a small one."""
    if n_rows <= MOST_ROWS:
        return None
    ends = np.linspace(0, n_rows, MOST_ROWS + 1).astype(np.int64)
    return np.random.default_rng(1).integers(ends[:-1], ends[1:])


def share_se(share: float, n: float) -> float:
    """Return the standard error of a share, never 0 (Agresti and Coull 1998, doi:10.2307/2685469)."""
    n_added = n + 4.0
    centre = (share * n + 2.0) / n_added
    return math.sqrt(centre * (1.0 - centre) / n_added)
