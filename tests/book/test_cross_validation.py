"""Every client is predicted once, by a fit that has not seen it."""

import os

import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky.backend import context as loky_context
from scipy.special import expit
from sklearn.metrics import log_loss
from sklearn.utils import _openmp_helpers

from data_science import ModelSpecification
from data_science.errors import SchemaError
from data_science.evaluation import cross_validation
from data_science.evaluation.cross_validation import BASELINES, cross_validate

RNG = np.random.default_rng(6)
N = 400
FRAME = pd.DataFrame(
    {
        "idx": np.arange(N),
        "attr_a": RNG.integers(1, 4, N),
        "attr_b": RNG.choice(list("ab"), N),
        "scd_a": RNG.random(N),
        "scd_b": RNG.integers(1, 6, N),
    }
)
FRAME["label"] = (RNG.random(N) < expit(-2 + 3 * FRAME["scd_a"])).astype(int)
CANDIDATES = {
    "none": ModelSpecification("label ~ 1"),
    "slope": ModelSpecification("label ~ scd_a + (1 | attr_b)"),
}


@pytest.fixture(scope="module")
def validated():
    return cross_validate(FRAME, CANDIDATES, n_folds=3, seed=1)


def test_every_method_predicts_every_client(validated):
    assert validated.probability.columns.tolist() == [*CANDIDATES, *BASELINES]
    assert validated.probability.notna().all(axis=None)


def test_the_score_is_the_log_loss_without_its_sign(validated):
    for name, probability in validated.probability.items():
        expected = -N * log_loss(FRAME["label"], probability)
        assert validated.log_score[name].sum() == pytest.approx(expected)


def test_a_model_without_features_predicts_the_rate_of_the_other_folds(validated):
    assert validated.probability["none"].to_numpy() == pytest.approx(FRAME["label"].mean(), abs=0.01)


def test_the_slope_that_made_the_data_predicts_better_than_none_and_the_difference_is_paired(validated):
    table = validated.table("none")

    gap = validated.log_score["slope"] - validated.log_score["none"]
    assert table.loc["slope", "difference"] == pytest.approx(gap.sum())
    assert table.loc["slope", "se"] == pytest.approx(gap.std() * np.sqrt(N))
    assert table.loc["slope", "difference"] > 3 * table.loc["slope", "se"]
    assert table.loc["none", ["difference", "se"]].tolist() == [0, 0]


def test_a_level_that_no_other_fold_has_costs_its_client_the_features_and_nobody_a_crash(monkeypatch):
    monkeypatch.setattr(cross_validation, "BASELINES", {})  # only ours need care
    frame = FRAME.assign(attr_b=FRAME["attr_b"].where(FRAME.index != 7, "z"))
    candidates = {"common": ModelSpecification("label ~ scd_a + attr_b")}

    found = cross_validate(frame, candidates, n_folds=3, seed=1).probability

    assert found.notna().all(axis=None)
    assert found.loc[7, "common"] == pytest.approx(FRAME["label"].mean(), abs=0.01)
    assert found["common"].nunique() > 0.9 * N


def test_a_host_that_hides_its_cores_brings_no_warning(monkeypatch, tmp_path):
    (tmp_path / "lscpu").write_text("#!/bin/sh\n")  # says what it says where there is no /sys: nothing
    (tmp_path / "lscpu").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    monkeypatch.setattr(loky_context, "physical_cores_cache", None)  # what was counted before on this machine
    monkeypatch.setattr(_openmp_helpers, "_CPU_COUNTS", {})

    cross_validate(FRAME, {}, n_folds=2, seed=1)  # a warning is an error


@pytest.mark.parametrize("given", [None, "3"])
def test_the_environment_is_afterwards_what_it_was_and_each_fold_is_announced(given, monkeypatch, caplog):
    caplog.set_level("INFO", "data_science.evaluation.cross_validation")
    during = []

    def baseline(seed):
        during.append(os.environ["LOKY_MAX_CPU_COUNT"])
        return cross_validation.logistic_regression(seed)

    monkeypatch.setattr(cross_validation, "BASELINES", {"ridge": baseline})
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    if given:
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", given)

    cross_validate(FRAME, {}, n_folds=2, seed=1)

    assert os.environ.get("LOKY_MAX_CPU_COUNT") == given
    assert caplog.messages == [f"cross-validation: fold {fold} of 2" for fold in (1, 2)]
    assert during == [given or str((os.cpu_count() or 1) - 1)] * 2


def test_a_label_that_is_rarer_than_the_folds_is_refused_with_the_counts():
    with pytest.raises(SchemaError, match=r"at least 5 clients of each label; one label has 1"):
        cross_validate(FRAME.assign(label=(FRAME.index == 3).astype(int)), CANDIDATES)
