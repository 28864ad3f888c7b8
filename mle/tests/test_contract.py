import os
import subprocess
import sys
from pathlib import Path

import pytest
from base_rate_model import BaseRateModel
from machine_learning_engineering.contract import MLEModelContract

FAULTY_MODELS = """
import numpy as np
from base_rate_model import BaseRateModel

class NumpyLabel(BaseRateModel):
    def predict(self, features): return np.int64(super().predict(features))

class BoolLabel(BaseRateModel):
    def predict(self, features): return bool(super().predict(features))

class ByPosition(BaseRateModel):
    def predict(self, features): return int(features.columns[0] == "attr_a")

class Forgetful(BaseRateModel):
    def load(self, model_folder):
        super().load(model_folder)
        self.base_rate = 1 - self.base_rate

class Unready(BaseRateModel):
    base_rate = 0.0

class LogsTwice(BaseRateModel):
    def predict_with_logging(self, client_idx, features):
        super().predict_with_logging(client_idx, features)
        return super().predict_with_logging(client_idx, features)

class WritesToFeatures(BaseRateModel):
    def predict(self, features):
        features["seen"] = True
        return super().predict(features)
"""


class TestBaseRateModel(MLEModelContract):
    def make_model(self):
        return BaseRateModel()


def contract_of(model, *arguments, folder):
    (folder / "faulty.py").write_text(FAULTY_MODELS)
    path = os.pathsep.join([str(folder), str(Path(__file__).parent)])
    command = [sys.executable, "-m", "machine_learning_engineering.contract", model, "-q", *arguments]
    return subprocess.run(
        command,
        # The contract needs no plugin; those installed here cost more than its tests.
        env={**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_the_contract_runs_from_the_command_line(tmp_path):
    run = contract_of("base_rate_model:BaseRateModel", folder=tmp_path)

    assert run.returncode == 0, run.stdout
    assert "passed" in run.stdout


@pytest.mark.parametrize(
    ("model", "broken_promise"),
    [
        ("NumpyLabel", "the_label_is_a_built_in"),
        ("BoolLabel", "the_label_is_a_built_in"),
        ("ByPosition", "order_of_columns"),
        ("Forgetful", "saving_and_loading_change_no_prediction"),
        ("Unready", "neither_fitted_nor_loaded"),
        ("LogsTwice", "exactly_one_record"),
        ("WritesToFeatures", "leaves_the_features_as_they_were"),
    ],
)
def test_a_model_that_breaks_a_promise_fails_the_test_of_that_promise(model, broken_promise, tmp_path):
    run = contract_of(f"faulty:{model}", "-k", broken_promise, folder=tmp_path)

    assert run.returncode == 1, run.stdout
    assert "1 failed" in run.stdout


@pytest.mark.parametrize(
    ("name", "reason"),
    [("base_rate_model:Missing", "has no attribute 'Missing'"), ("no_such_module:M", "No module named")],
)
def test_a_model_that_does_not_exist_is_named(name, reason, tmp_path):
    run = contract_of(name, folder=tmp_path)

    assert run.returncode != 0
    assert reason in run.stdout + run.stderr
