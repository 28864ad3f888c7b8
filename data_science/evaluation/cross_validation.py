"""Every client predicted by a fit that has not seen it: Bayesian candidates beside other people's methods.

Changes when a baseline or the way of splitting changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from data_science.engines.registry import FitSettings
from data_science.errors import SchemaError
from data_science.evaluation.reference import cores_not_counted
from data_science.fitting.posterior_on import posterior_on
from data_science.formula.specification import ModelSpecification
from data_science.prediction.predictor import Predictor

log = logging.getLogger(__name__)

LEVELS, NUMBERS, LABEL = ["attr_a", "attr_b"], ["scd_a", "scd_b"], "label"
# 2,000 draws: their noise in a mean probability is far below the standard error of a score.
_SETTINGS = FitSettings(engine="nested-laplace", second_opinion=False, draws=500)


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Out-of-fold probabilities of every method, on the same folds."""

    label: npt.NDArray[np.intp]  # shape (row,)
    probability: pd.DataFrame  # one row per client, one column per method

    @property
    def log_score(self) -> pd.DataFrame:
        """Log probability of the client's own label, nats; higher is better."""
        right = self.probability.where(
            pd.Series(self.label == 1, self.probability.index), 1 - self.probability, axis=0
        )
        return right.clip(lower=np.finfo(float).tiny).transform(np.log)

    def table(self, reference: str) -> pd.DataFrame:
        """Methods, best first, each beside ``reference``.

        Returns
        -------
        DataFrame
            Columns ``score`` (sum over clients, nats), ``difference`` from the reference, and ``se`` of the
            difference, paired over clients. The SE takes the fitted models as given; training sets overlap,
            so it is a little too small (Bengio and Grandvalet 2004, jmlr.org/papers/v5/grandvalet04a.html).
        """
        scores = self.log_score
        gap = scores.sub(scores[reference], axis=0)
        found = pd.DataFrame(
            {"score": scores.sum(), "difference": gap.sum(), "se": gap.std() * np.sqrt(len(gap))}
        )
        return found.sort_values("score", ascending=False)


def logistic_regression(seed: int) -> Pipeline:  # noqa: ARG001 (deterministic; every baseline is made alike)
    """Logistic regression with scikit-learn's default ridge penalty."""
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), LEVELS), (StandardScaler(), NUMBERS)
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1_000))


def gradient_boosting(seed: int) -> Pipeline:
    """Gradient-boosted trees that stop when a held-out tenth of the training rows stops improving."""
    unseen = {"handle_unknown": "use_encoded_value", "unknown_value": np.nan}  # trees take it as missing
    columns = make_column_transformer((OrdinalEncoder(**unseen), LEVELS), ("passthrough", NUMBERS))
    trees = HistGradientBoostingClassifier(
        early_stopping=True, learning_rate=0.05, categorical_features=[0, 1], random_state=seed
    )
    return make_pipeline(columns, trees)


BASELINES: Mapping[str, Callable[[int], Pipeline]] = {
    "logistic regression (scikit-learn)": logistic_regression,
    "gradient boosting (scikit-learn)": gradient_boosting,
}


def cross_validate(
    frame: pd.DataFrame, candidates: Mapping[str, ModelSpecification], *, n_folds: int = 5, seed: int = 1
) -> CrossValidation:
    """Predict every client by fits that have not seen it.

    Parameters
    ----------
    frame : DataFrame
        Validated rows of `feature_store`.
    candidates : mapping from name to ModelSpecification
        Fitted by nested Laplace; their probability is averaged over the posterior.
    n_folds, seed
        The seed is that of the folds, of the candidates' draws and of the baselines. Folds are random, with
        the label's rate kept in each. A client whose level no client of the other
        folds has gets their overall rate from candidates that have no effect for an unseen level.

    Raises
    ------
    SchemaError
        If a label is rarer than there are folds.
    """
    label = frame[LABEL].to_numpy(np.intp)
    rarest = int(min(label.sum(), len(label) - label.sum()))
    if rarest < n_folds:
        raise SchemaError(
            f"cross-validation in {n_folds} folds needs at least {n_folds} clients of each label; "
            f"one label has {rarest}"
        )
    probability = pd.DataFrame(np.nan, index=frame.index, columns=[*candidates, *BASELINES])
    splits = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for fold, (seen, unseen) in enumerate(splits.split(frame, label), 1):
        log.info("cross-validation: fold %d of %d", fold, n_folds)
        train, held_out = frame.iloc[seen], frame.iloc[unseen]
        for name, specification in candidates.items():
            predictor = _predictor(train, specification, replace(_SETTINGS, seed=seed))
            fixed = sorted(predictor.encoding.common_factors)
            known = np.all([held_out[column].isin(train[column].unique()) for column in fixed], axis=0)
            probability.loc[held_out.index, name] = train[LABEL].mean()
            rows = held_out[known] if fixed else held_out
            probability.loc[rows.index, name] = predictor.predict_proba(rows, "posterior")
        for name, make in BASELINES.items():
            with cores_not_counted():
                method = make(seed).fit(train[LEVELS + NUMBERS], train[LABEL])
                of_one = method.predict_proba(held_out[LEVELS + NUMBERS])[:, 1]
            probability.loc[held_out.index, name] = of_one
    return CrossValidation(label, probability)


def _predictor(train: pd.DataFrame, specification: ModelSpecification, settings: FitSettings) -> Predictor:
    fitted = posterior_on(train, specification, settings)
    posterior = fitted.posterior
    return Predictor(
        fitted.design.encoding, posterior.coefficients.mean(axis=(0, 1)), *posterior.thinned(settings.draws)
    )
