"""A model stored by earlier code is read by today's and answers as its files say, worked out here by hand."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from store_artifact import EXAMPLES

from data_science import BayesianLogitModel
from data_science.storage.manifest import PROTOCOL

FEATURES = {"attr_a": 3, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
WEIGHTS = np.array([1, 0.55, 3, 0, 0, 1, 0, 0, 0, 0, 1, 0])  # Intercept, scd_a, scd_b, attr_a 1-5, attr_b a-d


def probability(eta):
    return 1 / (1 + np.exp(-eta))


def test_every_format_so_far_has_its_example():
    assert {path.name for path in EXAMPLES.iterdir()} == {f"format_{n}" for n in range(1, PROTOCOL + 1)}


@pytest.mark.parametrize("folder", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_a_model_stored_by_earlier_code_answers_as_its_files_say(folder):
    version = folder / (folder / "LATEST").read_text(encoding="utf-8").strip()
    means = json.loads((version / "predictor.json").read_text(encoding="utf-8"))["coefficients"]
    draws = np.load(version / "draws.npz", allow_pickle=False)["draws"]
    model = BayesianLogitModel()

    model.load(folder)

    assert model.fallback is None
    assert model.predict_one(FEATURES) == 0
    assert math.isclose(model.predict_proba_one(FEATURES), probability(WEIGHTS @ means), rel_tol=1e-12)
    row = pd.DataFrame([FEATURES])
    each = probability(draws @ WEIGHTS)
    np.testing.assert_allclose(model.predict_proba(row, method="posterior"), each.mean(), rtol=1e-12)
    np.testing.assert_allclose(
        model.predict_interval(row, prob=0.9)[0], np.quantile(each, [0.05, 0.95]), rtol=1e-12
    )
    np.testing.assert_allclose(model.summary()["mean"][["Intercept", "scd_a", "scd_b"]], means[:3], rtol=1e-6)
