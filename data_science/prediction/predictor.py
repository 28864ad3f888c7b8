"""The fitted model as serving sees it: posterior means and draws in, labels, probabilities and intervals out.

Changes when the questions one may ask a model change; `rows`, `scorer`, `tables` and `draws` do the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from data_science.arrays import Floats, Mask
from data_science.errors import SettingsError
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Rows
from data_science.likelihood.binomial import logit, probability, probability_of_one
from data_science.prediction.correction import (
    Correction,
    corrected_probability,
    covariance_of,
    logit_variance,
)
from data_science.prediction.draws import Draws
from data_science.prediction.intervals import row_quantiles
from data_science.prediction.rows import RowReader, Unseen
from data_science.prediction.scorer import RowScorer
from data_science.prediction.tables import Tables, multiplier

if TYPE_CHECKING:
    import pandas as pd

    from data_science.prediction.columns import FeatureColumn
    from data_science.prediction.combinations import Combinations
    from data_science.prediction.unseen import UnseenLevel

Method = Literal["plug-in", "posterior", "corrected"]
CHUNK = 2**17  # rows scored at once: fewer take longer for the overhead, more do not stay in the cache
INTERVAL_CHUNK = 2**20  # rows that share the work on their order statistics


@dataclass(frozen=True, slots=True)
class Scores:
    """Predictions for one chunk of rows."""

    label: npt.NDArray[np.intp]  # shape (row,)
    probability: Floats  # as `predict_proba` gives it, shape (row,); labels may follow the corrected one
    interval: Floats  # credible bounds of P(label = 1), shape (row, 2)


@dataclass(frozen=True, eq=False)
class Predictor:
    """Answers every question about new rows; holds no training data.

    Attributes
    ----------
    encoding : Encoding
        Terms and levels learned in training.
    coefficients : array, shape (coefficient,)
        Posterior means, raw scale, in the encoding's order.
    draws : array, shape (draw, coefficient)
        Thinned posterior draws in the same order.
    group_sd_draws : array, shape (draw, group sd)
        One column per group-specific term and expression column, in the encoding's order.
    threshold : float
        The label is 1 above this probability.
    unseen : {"population", "refuse"}
        What a grouping level or combination not seen in training gets: the population effect, or an error. A
        level of a common effect is always refused: no distribution can stand in for it.
    correction : Correction, optional
        Makes the label follow the posterior mean probability if the plug-in is too far from it.
    response : str
        The column that was modelled, or its event: "label", "choice['blue']".
    unseen_levels : mapping of str to UnseenLevel
        By column, or columns as in "g:h", what training measured of an unseen level of it.
    combinations : tuple of Combinations
        Which training has seen, of groups such as "g:h", where it lacks some.

    Examples
    --------
    A fitted or loaded model holds one:

    >>> from data_science import BayesianLogitModel, ModelSpecification
    >>> from data_science.examples import clients
    >>> model = BayesianLogitModel(ModelSpecification("label ~ scd_a"), engine="nested-laplace")
    >>> report, predictor = model.fit(clients(300)), model.model
    >>> predictor.threshold, predictor.response
    (0.5, 'label')
    >>> predictor.predict_proba(clients(2, seed=2)).shape
    (2,)
    >>> lower, upper = predictor.predict_interval_one({"scd_a": 0.5})
    >>> lower < predictor.predict_proba_one({"scd_a": 0.5}) < upper
    True
    """

    encoding: Encoding
    coefficients: Floats
    draws: Floats = field(repr=False)
    group_sd_draws: Floats = field(repr=False)
    threshold: float = 0.5
    unseen: Unseen = "population"
    correction: Correction | None = None
    response: str = "label"
    unseen_levels: Mapping[str, UnseenLevel] = field(default_factory=dict)
    combinations: tuple[Combinations, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        n, n_sds, n_draws = self.encoding.n_coefficients, self.encoding.n_sds, len(self.draws)
        shapes = {"coefficients": (n,), "draws": (n_draws, n), "group_sd_draws": (n_draws, n_sds)}
        for name, expected in shapes.items():
            kept = np.asarray(getattr(self, name)).view()
            if kept.shape != expected:
                raise ValueError(f"{name} has the shape {kept.shape}; expected {expected} for this encoding")
            if not np.isfinite(kept).all():
                raise ValueError(f"{name} contains NaN or infinity; expected finite numbers")
            kept.flags.writeable = False  # one row is scored from a copy, which would not follow
            object.__setattr__(self, name, kept)
        if not 0.0 < self.threshold < 1.0:
            raise ValueError(f"threshold is {self.threshold!r}; expected a probability between 0 and 1")
        if self.unseen not in ("population", "refuse"):
            raise ValueError(f"unseen is {self.unseen!r}; expected 'population' or 'refuse'")

    def predict(self, features: pd.DataFrame) -> int:
        """Return the label, 0 or 1, of the only row; a FeatureError says what cannot be read."""
        return self.predict_one(self.reader.only_row(features))

    def predict_one(self, features: Mapping[str, Any]) -> int:
        """Return the label, 0 or 1, of a mapping from column to value."""
        if self._label_needs_draws and (self._corrects or self.reader.has_unseen(features)):
            return int(self._labels(row := self._one_row(features), self._averages(row))[0])
        return 1 if self.scorer.logit(features) > self._threshold_logit else 0

    def predict_proba_one(self, features: Mapping[str, Any], method: Method | None = None) -> float:
        """Return P(label = 1) of a mapping from column to value; see :meth:`predict_proba`."""
        if method is None and not (self.averages_unseen and self.reader.has_unseen(features)):
            method = "plug-in"
        if method == "plug-in":
            return probability_of_one(self.scorer.logit(features))
        return float(self.probabilities(self._one_row(features), method)[0])

    def predict_interval_one(self, features: Mapping[str, Any], prob: float = 0.95) -> tuple[float, float]:
        """Return the central credible interval of P(label = 1) of a mapping from column to value."""
        lower, upper = row_quantiles(self.posterior, self._one_row(features), _tails(prob))[0].tolist()
        return lower, upper

    def explain(self, features: pd.DataFrame | Mapping[str, Any]) -> dict[str, float]:
        """Return each term's part of the linear predictor (logit scale), by Bambi's names; they sum to it."""
        row = features if isinstance(features, Mapping) else self.reader.only_row(features)
        return self.scorer.contributions(row)

    def predict_batch(self, features: pd.DataFrame) -> npt.NDArray[np.intp]:
        """Return the label of every row, shape (row,)."""
        chunks = self.reader.chunks(features, CHUNK)
        return np.concatenate([self._labels(rows, self._averages(rows)) for _, rows in chunks])

    def predict_proba(self, features: pd.DataFrame, method: Method | None = None) -> Floats:
        """Return P(label = 1) of every row, shape (row,).

        Parameters
        ----------
        features : DataFrame
        method : {"plug-in", "posterior", "corrected"}, optional
            At the posterior-mean coefficients; averaged over the draws, unseen groups integrated over their
            distribution; or the plug-in corrected for the curvature of the link. By default "plug-in", but
            "posterior" for rows with an unseen level or combination where the model card says that the odds
            differ by a tenth: of 400 levels of one to three rows and a rate of 0.06, a new one gets 0.02.
        """
        chunks = self.reader.chunks(features, CHUNK)
        return np.concatenate([self.probabilities(rows, method) for _, rows in chunks])

    def predict_interval(self, features: pd.DataFrame, prob: float = 0.95) -> Floats:
        """Return the central credible interval of P(label = 1) of every row.

        Parameters
        ----------
        features : DataFrame
        prob : float
            Posterior probability inside the interval.

        Returns
        -------
        array, shape (row, 2)
            Quantiles over the draws, as `numpy.quantile` defines them. Where draws are skewed, as of rare
            events in few rows, a narrow interval need not hold the mean probability.
        """
        chunks = self.reader.chunks(features, INTERVAL_CHUNK)
        return np.concatenate([row_quantiles(self.posterior, rows, _tails(prob)) for _, rows in chunks])

    def score_batches(self, frames: Iterable[pd.DataFrame], prob: float = 0.95) -> Iterator[Scores]:
        """Yield labels, probabilities and intervals, chunk by chunk in the rows' order, in bounded memory."""
        for frame in frames:
            for _, rows in self.reader.chunks(frame, INTERVAL_CHUNK):
                interval, averages = row_quantiles(self.posterior, rows, _tails(prob)), self._averages(rows)
                yield Scores(self._labels(rows, averages), self._shown(rows, averages), interval)

    def warm(self) -> None:
        """Compile now what the first prediction would otherwise compile."""
        _ = self.scorer, self._threshold_logit, self._label_needs_draws, self.averages_unseen

    @cached_property
    def reader(self) -> RowReader:
        """How rows are read."""
        return RowReader.of(self.encoding, self.unseen, self.combinations)

    @property
    def columns(self) -> tuple[FeatureColumn, ...]:
        """What is read of the features, for code that describes it."""
        from data_science.prediction.columns import columns_of  # no prediction asks

        return columns_of(self.reader)

    @cached_property
    def scorer(self) -> RowScorer:
        """The posterior means, compiled for one row."""
        return RowScorer(self.encoding, self.reader, self.coefficients.tolist())

    @cached_property
    def tables(self) -> Tables:
        """Where each combination of levels finds its coefficients."""
        return Tables(self.encoding)

    @cached_property
    def posterior(self) -> Draws:
        """The draws, ready to be asked."""
        return Draws(self.tables, self.draws, self.group_sd_draws)

    @cached_property
    def averages_unseen(self) -> bool:
        """Whether rows with an unseen level are averaged over the posterior, labels included."""
        return any(level.is_far for level in self.unseen_levels.values())

    @cached_property
    def _threshold_logit(self) -> float:
        return logit(self.threshold)

    @cached_property
    def _label_needs_draws(self) -> bool:
        return self._corrects or self.averages_unseen

    @cached_property
    def _corrects(self) -> bool:
        return self.correction is not None and self.correction.active

    def _one_row(self, features: Mapping[str, Any]) -> Rows:
        codes, numbers = self.reader.one(features)
        levels = {column: np.array([code], dtype=np.intp) for column, code in codes.items()}
        return Rows(levels, {column: np.array([number]) for column, number in numbers.items()}, 1)

    def _averages(self, rows: Rows) -> tuple[Mask, Floats] | None:
        """Return which rows are averaged unasked, and their probabilities; None if no row is."""
        if self.averages_unseen and (unseen := self.reader.with_unseen(rows)).any():
            return unseen, self.posterior.mean_probability(rows.take(unseen))
        return None

    def _labels(self, rows: Rows, averages: tuple[Mask, Floats] | None) -> npt.NDArray[np.intp]:
        if self._corrects:
            above = self._corrected(rows) > self.threshold
        else:
            above = self.tables.logits(rows, self.coefficients) > self._threshold_logit
        if averages is not None:
            above[averages[0]] = averages[1] > self.threshold
        return above.astype(np.intp)

    def _shown(self, rows: Rows, averages: tuple[Mask, Floats] | None) -> Floats:
        found = probability(self.tables.logits(rows, self.coefficients))
        if averages is not None:
            found[averages[0]] = averages[1]
        return found

    def probabilities(self, rows: Rows, method: Method | None = None) -> Floats:
        """Return P(label = 1) of rows that were read, shape (row,); see :meth:`predict_proba`."""
        if method in (None, "plug-in"):
            return self._shown(rows, self._averages(rows) if method is None else None)
        if method == "posterior":
            return self.posterior.mean_probability(rows)
        if method == "corrected":
            return self._corrected(rows)
        raise SettingsError(f"method is {method!r}; expected 'plug-in', 'posterior' or 'corrected'")

    def _corrected(self, rows: Rows) -> Floats:
        if self._covariance is None:
            variance = self.posterior.variances(rows)
        else:
            multipliers = [multiplier(table, rows) for table in self.tables.terms]
            variance = logit_variance(self.tables.places(rows), multipliers, self._covariance)
        return corrected_probability(self.tables.logits(rows, self.coefficients), variance)

    @cached_property
    def _covariance(self) -> Floats | None:
        return covariance_of(self.draws) if self.correction is None else self.correction.covariance


def _tails(prob: float) -> tuple[float, float]:
    if not (isinstance(prob, Real) and 0.0 < prob < 1.0):
        raise SettingsError(f"prob is {prob!r}; expected a probability between 0 and 1, such as 0.95")
    return (1.0 - prob) / 2.0, (1.0 + prob) / 2.0
