"""A model stored by earlier code is read by today's and answers as that code did, and as its files say."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stored_models import ANSWERS, ROWS, STORED, answers, arithmetic

from data_science import BayesianLogitModel
from data_science.storage.manifest import PROTOCOL

EXAMPLES = sorted(path for form in STORED.iterdir() for path in form.iterdir())
FEATURES = {"attr_a": 3, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
WEIGHTS = np.array([1, 0.55, 3, 0, 0, 1, 0, 0, 0, 0, 1, 0])  # Intercept, scd_a, scd_b, attr_a 1-5, attr_b a-d
ROUNDING = 1e-14  # relative; of sums of hundreds of terms whose last bits differ


def probability(eta):
    return 1 / (1 + np.exp(-eta))


def name(folder: Path) -> str:
    return f"{folder.parent.name}-{folder.name}"


def test_every_format_so_far_has_its_examples():
    assert {path.name for path in STORED.iterdir()} == {f"format_{n}" for n in range(1, PROTOCOL + 1)}


@pytest.mark.parametrize("folder", EXAMPLES, ids=name)
def test_a_model_stored_by_earlier_code_answers_to_the_last_bit_as_that_code_did(folder):
    rows = json.loads((folder / ROWS).read_text(encoding="utf-8"))
    with np.load(folder / ANSWERS, allow_pickle=False) as stored:
        then = dict(stored)
    # Another processor's exponential or product ends in other bits, whatever the code.
    tolerance = 0.0 if then.pop("arithmetic") == arithmetic() else ROUNDING
    model = BayesianLogitModel()

    model.load(folder)
    now = answers(model, rows)

    assert model.fallback is None
    assert set(now) == set(then)
    for question, answer in then.items():
        if answer.dtype.kind == "f":
            np.testing.assert_allclose(now[question], answer, rtol=tolerance, atol=0, err_msg=question)
        else:
            np.testing.assert_array_equal(now[question], answer, question)


def test_a_model_stored_by_earlier_code_answers_as_its_files_say():
    folder = STORED / "format_1" / "first"
    version = folder / (folder / "LATEST").read_text(encoding="utf-8").strip()
    means = json.loads((version / "predictor.json").read_text(encoding="utf-8"))["coefficients"]
    draws = np.load(version / "draws.npz", allow_pickle=False)["draws"]
    model = BayesianLogitModel()

    model.load(folder)

    assert model.predict_one(FEATURES) == 0
    assert math.isclose(model.predict_proba_one(FEATURES), probability(WEIGHTS @ means), rel_tol=1e-12)
    row = pd.DataFrame([FEATURES])
    each = probability(draws @ WEIGHTS)
    np.testing.assert_allclose(model.predict_proba(row, method="posterior"), each.mean(), rtol=1e-12)
    np.testing.assert_allclose(
        model.predict_interval(row, prob=0.9)[0], np.quantile(each, [0.05, 0.95]), rtol=1e-12
    )
    np.testing.assert_allclose(model.summary()["mean"][["Intercept", "scd_a", "scd_b"]], means[:3], rtol=1e-6)
