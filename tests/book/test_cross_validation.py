"""Every client is predicted once, by a fit that has not seen it."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss

from data_science import ModelSpecification
from data_science.study.cross_validation import BASELINES, cross_validate

RNG = np.random.default_rng(6)
N = 900
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
