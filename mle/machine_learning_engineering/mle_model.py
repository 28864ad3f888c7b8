"""`MLEModel`, the class every data scientist's model extends; it changes when both teams agree.

Importing this module costs next to nothing: storage and statistics are imported by the calls that need them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

# typing itself would be the slowest import here; type checkers know this idiom.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any, Self

    import pandas as pd

    from machine_learning_engineering.labels import Labels
    from machine_learning_engineering.prediction_log import PredictionLog
    from machine_learning_engineering.retraining import RetrainingDecision, RetrainingPolicy


class MLEModel(ABC):
    """A model that deployment can load, ask and keep a record of.

    A subclass implements `load`, `save`, `fit` and `predict`. It need not call ``super().__init__()``:
    this class keeps nothing on the instance. The record of predictions lives in the folder named by the
    environment variable ``MLE_STORAGE`` (default ``~/mle_storage``) and is opened by the first prediction.

    Attributes
    ----------
    model_version : str or None
        What the record says made the prediction; a subclass sets it in `load`.
    """

    model_version: str | None = None

    @abstractmethod
    def load(self, model_folder: str | Path) -> None:
        """Make ``self`` the model that `save` stored in ``model_folder``."""
        raise NotImplementedError(f"{type(self).__name__} does not implement load()")

    @abstractmethod
    def save(self, model_folder: str | Path) -> Any:
        """Store the fitted model in ``model_folder``."""
        raise NotImplementedError(f"{type(self).__name__} does not implement save()")

    @abstractmethod
    def fit(self, dataset: pd.DataFrame) -> Any:
        """Train on the whole ``feature_store`` frame, ``idx`` and ``label`` included."""
        raise NotImplementedError(f"{type(self).__name__} does not implement fit()")

    @abstractmethod
    def predict(self, features: pd.DataFrame) -> int:
        """Label of the client in the one row of ``features``, a built-in int."""
        raise NotImplementedError(f"{type(self).__name__} does not implement predict()")

    def predict_probability(self, features: pd.DataFrame) -> float | None:  # noqa: ARG002 - for subclasses
        """P(label = 1) of the one row, for the record, or None if the model has none.

        `trigger_retraining` judges probabilities, so a model that has them should override this.
        """
        return None

    def input_reference(self) -> Mapping[str, Any] | None:
        """Return counts of each input that the model reads, as training saw it, or None if it has none.

        By column: ``{"levels": [...], "edges": [...], "counts": [...]}`` as in `drift.Histogram`. Without it
        `trigger_retraining` compares with the first clients of the log.
        """
        return None

    def predict_with_logging(self, client_idx: int, features: pd.DataFrame) -> int:
        """Label of one client, returned only after the prediction is on disk.

        Raises
        ------
        PredictionLogError
            If the prediction could not be stored; an unlogged prediction is not acknowledged.
        ValueError
            If the model's probability is not one, such as NaN: the label that came with it is meaningless.
        """
        held = self.snapshot()
        label = _built_in_int(held.predict(features), "predict() returned")
        held.log_to_storage(client_idx, label, features, probability=held.predict_probability(features))
        return label

    def snapshot(self) -> Self:
        """Return what one prediction asks for everything: label, probability and version.

        A subclass whose `load` may be called while another thread predicts returns the model as it is now, so
        that no record names one version and has another's label.
        """
        return self

    def log_to_storage(
        self,
        client_idx: int,
        predicted_label: int,
        features: pd.DataFrame | Mapping[str, object] | None = None,
        *,
        probability: float | None = None,
    ) -> None:
        """Store one prediction durably; returns when it would survive ``kill -9`` and a power cut."""
        if probability is not None and not 0 <= probability <= 1:
            raise ValueError(
                f"the probability is {probability!r}; expected 0 to 1, so the label {predicted_label!r} is "
                "neither stored nor returned. Ask the model's authors why it gives this for these features"
            )
        from machine_learning_engineering.records import Prediction, plain_features

        prediction = Prediction(
            idx=_built_in_int(client_idx, "client_idx is"),
            label=_built_in_int(predicted_label, "predicted_label is"),
            features=plain_features(features),
            probability=None if probability is None else float(probability),
            model_version=self.model_version,
        )
        self.prediction_log.append(prediction)

    @property
    def prediction_log(self) -> PredictionLog:
        """The log of the configured storage folder, one per folder and process."""
        from machine_learning_engineering.prediction_log import shared_log

        return shared_log()

    def trigger_retraining(
        self, labels: Labels, policy: RetrainingPolicy | None = None
    ) -> RetrainingDecision:
        """Whether this model should be trained again, decided by effects, with reasons.

        Parameters
        ----------
        labels : DataFrame with columns idx, label and optionally known_at, or a mapping idx -> label
            What has become known since; labels known before their prediction are not used.
        policy : RetrainingPolicy, optional
            The margins; the defaults are documented there.
        """
        from machine_learning_engineering.retraining import decide_from_log

        return decide_from_log(
            self.prediction_log.folder,
            labels,
            policy=policy,
            model_version=self.model_version,
            stored=self.input_reference(),
        )


def _built_in_int(value: object, what: str) -> int:
    import operator

    try:
        return int(operator.index(value))  # type: ignore[arg-type]  # the except clause is the check
    except TypeError:
        raise TypeError(f"{what} {value!r} ({type(value).__name__}); expected an int") from None
