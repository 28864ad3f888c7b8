"""The first parameter of predict_with_logging is called ``idx``, and predict is called by keyword."""

from pathlib import Path


class MLEModel:
    def load(self, model_folder):
        raise NotImplementedError

    def save(self, model_folder):
        raise NotImplementedError

    def fit(self, dataset):
        raise NotImplementedError

    def predict(self, features):
        raise NotImplementedError

    def predict_with_logging(self, idx, features):
        label = self.predict(features=features)
        storage = Path.home() / "mle_storage"
        storage.mkdir(exist_ok=True)
        with (storage / "labels").open("a") as labels:
            labels.write(f"{idx},{label}\n")
        return label
