"""One prediction, one model: while `load` runs in another thread no record mixes two versions."""

import sys
import threading
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from machine_learning_engineering.mle_model import MLEModel
from machine_learning_engineering.prediction_log import shared_log
from machine_learning_engineering.reading import read_predictions
from serving_cases import ROW, predictor

from data_science import BayesianLogitModel
from data_science.storage import artifact


@pytest.fixture
def versions(tmp_path):
    """Two versions that never agree: one says 0 to everybody, the other 1."""
    paths = []
    for label, intercept in enumerate((-30.0, 30.0)):
        model = predictor(n_draws=17)
        coefficients = model.coefficients.copy()
        coefficients[0] = intercept
        draws = np.tile(coefficients, (17, 1))
        model = type(model)(model.encoding, coefficients, draws, model.group_sd_draws)
        paths.append(
            artifact.save(
                tmp_path / str(label), predictor=model, diagnostics={}, model_card="", writers={},
                provenance={}, now=datetime(2026, 11, 22 + label, tzinfo=UTC),
            )
        )  # fmt: skip
    return paths


@pytest.fixture
def log_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLE_STORAGE", str(tmp_path / "log"))
    yield tmp_path / "log"
    shared_log().close()


def test_a_record_holds_the_label_of_the_version_it_names_while_another_thread_loads(versions, log_folder):
    model, row = BayesianLogitModel(), pd.DataFrame([ROW])
    model.load(versions[0])
    stop, interval = threading.Event(), sys.getswitchinterval()

    def load():
        while not stop.is_set():
            for path in versions:
                model.load(path)

    loader = threading.Thread(target=load)
    sys.setswitchinterval(1e-5)
    try:
        loader.start()
        for idx in range(400):
            model.predict_with_logging(idx, row)
    finally:
        stop.set()
        loader.join()
        sys.setswitchinterval(interval)

    labels = {path.name: label for label, path in enumerate(versions)}
    records = read_predictions(log_folder).predictions
    assert len(records) == 400
    for record in records:
        assert labels[record.model_version] == record.label == round(record.probability)


@pytest.mark.parametrize("asked", ["predict", "predict_probability", "log_to_storage"])
def test_a_load_at_the_worst_moment_changes_nothing_of_the_prediction_under_way(
    versions, log_folder, monkeypatch, asked
):
    model = BayesianLogitModel()
    model.load(versions[0])
    home = MLEModel if asked == "log_to_storage" else BayesianLogitModel
    real = getattr(home, asked)

    def loads_first(self, *arguments, **options):
        model.load(versions[1])
        return real(self, *arguments, **options)

    monkeypatch.setattr(home, asked, loads_first)
    assert model.predict_with_logging(7, pd.DataFrame([ROW])) == 0

    (record,) = read_predictions(log_folder).predictions
    assert (record.model_version, record.label, round(record.probability)) == (versions[0].name, 0, 0)
    assert model.model_version == versions[1].name


@pytest.mark.parametrize("probability", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_probability_that_is_none_is_neither_answered_nor_stored(
    versions, log_folder, monkeypatch, probability
):
    model = BayesianLogitModel()
    model.load(versions[0])
    monkeypatch.setattr(BayesianLogitModel, "predict_probability", lambda *_: probability)

    with pytest.raises(ValueError, match="expected 0 to 1, so the label 0 is neither stored nor returned"):
        model.predict_with_logging(7, pd.DataFrame([ROW]))
    assert read_predictions(log_folder).predictions == ()
