import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from base_rate_model import BaseRateModel
from machine_learning_engineering.errors import PredictionLogError
from machine_learning_engineering.mle_model import MLEModel
from machine_learning_engineering.prediction_log import shared_log
from machine_learning_engineering.reading import read_predictions

ROW = pd.DataFrame([{"attr_a": 1, "attr_b": "c"}])
METHODS = ("fit", "load", "predict", "save")


@pytest.fixture
def storage(tmp_path, monkeypatch):
    monkeypatch.setenv("MLE_STORAGE", str(tmp_path))
    yield tmp_path
    shared_log(tmp_path).close()


@pytest.fixture
def model():
    fitted = BaseRateModel()
    fitted.base_rate = 0.2
    return fitted


@pytest.mark.parametrize("missing", METHODS)
def test_a_subclass_without_one_of_the_four_methods_cannot_be_made(missing):
    implemented = {name: lambda self, *_: 0 for name in METHODS if name != missing}
    incomplete = type("Incomplete", (MLEModel,), implemented)

    with pytest.raises(TypeError, match=f"without an implementation for abstract method '{missing}'"):
        incomplete()


@pytest.mark.parametrize("method", METHODS)
def test_what_the_base_class_leaves_open_is_not_implemented(method, model):
    with pytest.raises(NotImplementedError, match=f"BaseRateModel.*{method}"):
        getattr(MLEModel, method)(model, None)


def test_a_subclass_that_does_not_call_the_base_constructor_logs_all_the_same(storage, model):
    class Independent(BaseRateModel):
        def __init__(self):
            self.base_rate = 0.7

    assert Independent().predict_with_logging(1, ROW) == 1
    assert len(read_predictions(storage).predictions) == 1


def test_the_record_holds_features_probability_version_and_time(storage, model):
    model.model_version = "20261122T101500Z-1f3a9c"
    model.predict_with_logging(150_000, ROW.assign(scd_a=np.float64(0.5), scd_b=np.nan))

    (record,) = read_predictions(storage).predictions
    assert record.features == {"attr_a": 1, "attr_b": "c", "scd_a": 0.5, "scd_b": None}
    assert (record.idx, record.label, record.probability) == (150_000, 0, 0.2)
    assert record.model_version == "20261122T101500Z-1f3a9c"
    assert record.at.utcoffset().total_seconds() == 0


def test_a_numpy_label_and_client_become_built_in_ints(storage, model, monkeypatch):
    monkeypatch.setattr(model, "predict", lambda features: np.int64(1))

    assert type(model.predict_with_logging(np.int64(5), ROW)) is int
    assert read_predictions(storage).predictions[0].idx == 5


@pytest.mark.parametrize(
    ("idx", "label", "reason"),
    [
        ("7", 0, r"client_idx is '7' \(str\); expected an int"),
        (7, 0.5, r"predict\(\) returned 0.5 \(float\)"),
        (7, None, r"predict\(\) returned None"),
    ],
)
def test_a_client_or_label_that_is_no_int_is_refused_and_not_logged(
    idx, label, reason, storage, model, monkeypatch
):
    monkeypatch.setattr(model, "predict", lambda features: label)

    with pytest.raises(TypeError, match=reason):
        model.predict_with_logging(idx, ROW)
    assert read_predictions(storage).predictions == ()


def test_a_prediction_that_cannot_be_stored_is_not_returned(tmp_path, model, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MLE_STORAGE", str(tmp_path / "file"))

    with pytest.raises(PredictionLogError, match="must not be acknowledged"):
        model.predict_with_logging(1, ROW)


def test_importing_mle_model_imports_nothing_slow():
    script = """
import sys
before = set(sys.modules)
from machine_learning_engineering.mle_model import MLEModel
print(*sorted(set(sys.modules) - before))
"""
    run = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, timeout=300
    )

    assert set(run.stdout.split()) <= {
        "__future__",
        "machine_learning_engineering",
        "machine_learning_engineering.mle_model",
    }


def test_the_package_names_are_resolved_on_first_use():
    import machine_learning_engineering as package

    assert package.MLEModel is MLEModel
    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Model'"):
        package.Model  # noqa: B018 - the look-up is the test


def test_features_of_two_clients_are_refused(storage, model):
    model.predict = lambda features: 0

    with pytest.raises(ValueError, match="features has 2 rows; expected one row"):
        model.predict_with_logging(1, pd.concat([ROW, ROW]))


def test_features_may_be_logged_as_a_mapping(storage, model):
    model.log_to_storage(1, 0, {"x": np.int64(1)})

    assert read_predictions(storage).predictions[0].features == {"x": 1}
