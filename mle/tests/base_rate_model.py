"""The smallest useful model: the base rate of the training labels, stored as JSON.

Below every variant of MLEModel it works unchanged, so it imports nothing else of the package.
"""

import json
import os
from pathlib import Path

from machine_learning_engineering.mle_model import MLEModel


class BaseRateModel(MLEModel):
    """Predicts the more frequent label for everyone."""

    base_rate = None  # P(label = 1)

    @property
    def model(self):
        """What predicts; some versions of MLEModel ask for it."""
        if self.base_rate is None:
            raise RuntimeError("this model is neither fitted nor loaded; call fit() or load() first")
        return self.base_rate

    def fit(self, dataset):
        """Learn the base rate."""
        self.base_rate = float(dataset["label"].mean())

    def save(self, model_folder):
        """Write base_rate.json, whole or not at all."""
        temporary = Path(model_folder) / f"base_rate.{os.getpid()}.tmp"
        temporary.write_text(json.dumps({"base_rate": self.model}), encoding="utf-8")
        temporary.replace(Path(model_folder) / "base_rate.json")

    def load(self, model_folder):
        """Read base_rate.json."""
        content = (Path(model_folder) / "base_rate.json").read_text(encoding="utf-8")
        self.base_rate = json.loads(content)["base_rate"]

    def predict(self, features):
        """Label of the one row."""
        if len(features) != 1:
            raise ValueError(f"features has {len(features)} rows; expected one")
        return int(self.model > 0.5)

    def predict_probability(self, features):
        """The base rate, for the log."""
        return self.model
