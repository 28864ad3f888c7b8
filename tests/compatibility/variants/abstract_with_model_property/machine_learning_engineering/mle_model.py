"""An ABC with four abstract methods and an abstract property ``model``, read before each prediction."""

from abc import ABC, abstractmethod
from pathlib import Path

import pandas as pd


class MLEModel(ABC):
    @property
    @abstractmethod
    def model(self):
        raise NotImplementedError

    @abstractmethod
    def load(self, model_folder: str):
        raise NotImplementedError

    @abstractmethod
    def save(self, model_folder: str):
        raise NotImplementedError

    @abstractmethod
    def fit(self, dataset: pd.DataFrame):
        raise NotImplementedError

    @abstractmethod
    def predict(self, features: pd.DataFrame) -> int:
        raise NotImplementedError

    def predict_with_logging(self, client_idx: int, features: pd.DataFrame) -> int:
        if self.model is None:
            raise RuntimeError("no model is loaded")
        label = self.predict(features)
        storage = Path.home() / "mle_storage"
        storage.mkdir(exist_ok=True)
        with (storage / "labels").open("a") as labels:
            labels.write(f"{client_idx},{label}\n")
        return label
