"""One loaded version of the model, as the service asks it; changes with the model's public methods.

Nothing here imports pandas: a request is a mapping throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_science import BayesianLogitModel, FeatureError
from deployment.problems import invalid_field


@dataclass(slots=True)
class Score:
    """What the model says about one client."""

    label: int
    probability: float  # P(label = 1)
    interval: tuple[float, float] | None  # credible bounds of the probability


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that answers, and the name of its version."""

    model: BayesianLogitModel
    version: str
    fallback: str | None = None  # why it is not the version that LATEST names, if it is not

    @classmethod
    def load(cls, folder: Path) -> ServedModel:
        """Load the newest good version of a folder, or the version that the folder is.

        Raises
        ------
        ArtifactError
            If there is none.
        """
        model = BayesianLogitModel()
        model.load(folder)
        return cls(model, str(model.model_version), model.fallback)

    def unseen(self, features: Mapping[str, Any]) -> list[str]:
        """Return the columns in which a client that was answered has a value that training has not seen."""
        readers = self.model.model.reader.levels  # as text is read: "c " is "c"
        return [name for name, one in readers.items() if one.code(features[name]) == len(one.codes)]

    def score(self, features: Mapping[str, Any], prob: float | None = None, at: str = "") -> Score:
        """Answer one client; label and probability are those that `predict_with_logging` stores.

        Parameters
        ----------
        features : mapping from column to value
        prob : float, optional
            Posterior probability inside the interval, if one is wanted.
        at : str
            Path of the client in the request, for messages.

        Raises
        ------
        Problem
            With the path of the feature that the model cannot read.
        """
        model = self.model
        try:
            label, probability = model.predict_one(features), model.predict_proba_one(features)
            interval = None if prob is None else model.predict_interval_one(features, prob)
        except FeatureError as error:
            field = f"features.{error.column}" if error.column else "features"
            raise invalid_field(f"{at}{field}", str(error)) from error
        # Written as "not within": a NaN must pass for nothing, and the label that came with it neither.
        if not 0.0 <= probability <= 1.0 or not (
            interval is None or 0.0 <= interval[0] <= interval[1] <= 1.0
        ):
            raise invalid_field(
                f"{at}features",
                f"the model gives no probability for these values, but {probability!r} {interval or ''}; "
                "expected values like those of its training",
            )
        return Score(label, probability, interval)
