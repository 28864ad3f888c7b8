"""The oldest version: a plain class that appends ``idx,label`` to ``~/mle_storage/labels``."""

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

    def predict_with_logging(self, client_idx, features):
        label = self.predict(features)
        storage = Path.home() / "mle_storage"
        storage.mkdir(exist_ok=True)
        with (storage / "labels").open("a") as labels:
            labels.write(f"{client_idx},{label}\n")
        return label
