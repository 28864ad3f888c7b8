"""A plain class without ``__init__``, with log_to_storage and trigger_retraining."""

from pathlib import Path

import pandas as pd


class MLEModel:
    def load(self, model_folder: str) -> None:
        raise NotImplementedError

    def save(self, model_folder: str) -> None:
        raise NotImplementedError

    def fit(self, dataset: pd.DataFrame) -> None:
        raise NotImplementedError

    def predict(self, features: pd.DataFrame) -> int:
        raise NotImplementedError

    def predict_with_logging(self, client_idx: int, features: pd.DataFrame) -> int:
        predicted_label = self.predict(features)
        self.log_to_storage(client_idx, predicted_label)
        return predicted_label

    def log_to_storage(self, client_idx: int, predicted_label: int) -> None:
        storage = Path("~/mle_storage").expanduser()
        storage.mkdir(parents=True, exist_ok=True)
        with (storage / "labels").open("a") as labels:
            print(client_idx, predicted_label, sep=",", file=labels)

    def trigger_retraining(self, model_folder: str, dataset: pd.DataFrame) -> None:
        self.fit(dataset)
        self.save(model_folder)
