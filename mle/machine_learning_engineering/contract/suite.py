"""What every model promises deployment, as tests to inherit; changes with the MLE contract."""

# ruff: noqa: D102, S101 - these are tests: their names are sentences, and pytest reads their asserts

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from machine_learning_engineering.mle_model import MLEModel
from machine_learning_engineering.prediction_log import shared_log
from machine_learning_engineering.reading import read_predictions
from machine_learning_engineering.records import Prediction

CLIENT = 150_000


class MLEModelContract:
    """Subclass with a name starting in ``Test``, implement `make_model`, and pytest does the rest.

    The model is fitted and saved once per class; every test loads it afresh.
    """

    def make_model(self) -> MLEModel:
        """Return a new, unfitted model: the class called without arguments, or what is used in its place."""
        raise NotImplementedError(f"{type(self).__name__} must implement make_model()")

    def dataset(self) -> pd.DataFrame:
        """Return the frame to fit on, ``idx`` and ``label`` included; by default a small feature_store."""
        return synthetic_feature_store()

    def features(self) -> pd.DataFrame:
        """Return one row as deployment builds it; by default the first client of `dataset`."""
        row = self.dataset().drop(columns=["idx", "label"]).iloc[0]
        return pd.DataFrame([{name: _json_value(value) for name, value in row.items()}])

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[MLEModel, Path]:
        """Return the model fitted once, and the folder it was saved in."""
        contract = cls()
        model, folder = contract.make_model(), tmp_path_factory.mktemp("model")
        model.fit(contract.dataset())
        model.save(folder)
        return model, folder

    @pytest.fixture
    def model(self, fitted: tuple[MLEModel, Path]) -> MLEModel:
        """Return a model loaded from the saved folder, as deployment does once."""
        model = self.make_model()
        model.load(fitted[1])
        return model

    @pytest.fixture(autouse=True)
    def storage(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """Yield the test's own, empty storage folder."""
        folder = tmp_path / "mle_storage"
        monkeypatch.setenv("MLE_STORAGE", str(folder))
        yield folder
        shared_log(folder).close()

    def test_the_label_is_a_built_in_0_or_1(self, model: MLEModel) -> None:
        label = model.predict(self.features())

        assert type(label) is int, f"predict returned {label!r}, a {type(label).__name__}"
        assert label in (0, 1)
        assert json.loads(json.dumps({"label": label})) == {"label": label}

    def test_the_order_of_columns_does_not_matter(self, model: MLEModel) -> None:
        features = self.features()

        assert model.predict(features[features.columns[::-1]]) == model.predict(features)

    def test_extra_columns_are_ignored(self, model: MLEModel) -> None:
        features = self.features()

        assert model.predict(features.assign(idx=CLIENT, label=1, remark="new")) == model.predict(features)

    @pytest.mark.parametrize("dtype", [float, object], ids=["as floats", "as Python objects"])
    def test_integers_may_arrive_in_another_dtype(self, model: MLEModel, dtype: type) -> None:
        features = self.features()
        integers = features.select_dtypes("integer").columns

        assert model.predict(features.astype(dict.fromkeys(integers, dtype))) == model.predict(features)

    def test_predict_leaves_the_features_as_they_were(self, model: MLEModel) -> None:
        features = self.features()
        model.predict(features)

        pd.testing.assert_frame_equal(features, self.features())

    def test_a_model_neither_fitted_nor_loaded_refuses_and_logs_nothing(self, storage: Path) -> None:
        model = self.make_model()

        with pytest.raises(
            Exception, match=r"\S"
        ):  # the type is the model's own; the message must not be empty
            model.predict_with_logging(CLIENT, self.features())
        assert read_predictions(storage).predictions == ()

    def test_a_folder_without_a_model_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()

        with pytest.raises(Exception, match=r"\S"):
            self.make_model().load(tmp_path / "empty")

    def test_saving_and_loading_change_no_prediction(
        self, fitted: tuple[MLEModel, Path], model: MLEModel
    ) -> None:
        rows = [self.dataset().drop(columns=["idx", "label"]).iloc[[position]] for position in range(50)]

        assert [model.predict(row) for row in rows] == [fitted[0].predict(row) for row in rows]

    def test_the_folder_may_be_given_as_text(self, fitted: tuple[MLEModel, Path], model: MLEModel) -> None:
        loaded = self.make_model()
        loaded.load(str(fitted[1]))

        assert loaded.predict(self.features()) == model.predict(self.features())

    def test_a_probability_is_none_or_in_0_1(self, model: MLEModel) -> None:
        probability = model.predict_probability(self.features())

        assert probability is None or 0 <= probability <= 1

    def test_predict_with_logging_takes_positions_and_logs_exactly_one_record(
        self, model: MLEModel, storage: Path
    ) -> None:
        label = model.predict_with_logging(CLIENT, self.features())

        assert type(label) is int
        assert label == model.predict(self.features())
        (record,) = read_predictions(storage).predictions
        assert (record.idx, record.label) == (CLIENT, label)
        assert record.features == self.features().iloc[0].to_dict()

    def test_a_failed_prediction_is_not_logged(
        self, model: MLEModel, storage: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(features: pd.DataFrame) -> int:
            raise ArithmeticError(f"no label for {len(features)} row")

        monkeypatch.setattr(model, "predict", fail)

        with pytest.raises(ArithmeticError, match="no label"):
            model.predict_with_logging(CLIENT, self.features())
        assert read_predictions(storage).predictions == ()

    def test_many_threads_get_the_same_label_and_one_record_each(
        self, model: MLEModel, storage: Path
    ) -> None:
        expected = model.predict(self.features())
        clients = range(200)
        with ThreadPoolExecutor(8) as pool:
            labels = list(pool.map(lambda idx: model.predict_with_logging(idx, self.features()), clients))

        assert set(labels) == {expected}
        assert sorted(map(_client, read_predictions(storage).predictions)) == list(clients)


def synthetic_feature_store(n_rows: int = 400) -> pd.DataFrame:
    """Return a frame with the columns and types of feature_store; label 1 for about a tenth."""
    random = np.random.default_rng(20_261_122)
    return pd.DataFrame(
        {
            "idx": np.arange(n_rows),
            "attr_a": random.choice(5, n_rows, p=[0.5, 0.05, 0.1, 0.15, 0.2]) + 1,
            "attr_b": random.choice(list("abcd"), n_rows, p=[0.1, 0.2, 0.3, 0.4]),
            "scd_a": random.random(n_rows),
            "scd_b": random.integers(1, 6, n_rows),
            "label": (random.random(n_rows) < 0.1).astype(int),
        }
    )


def _json_value(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _client(made: Prediction) -> int:
    return made.idx
