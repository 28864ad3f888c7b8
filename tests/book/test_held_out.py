"""No method has seen the client that it predicts: what each is fitted to and asked, fold by fold."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold

from data_science import ModelSpecification
from data_science.errors import SchemaError
from data_science.evaluation import cross_validation
from data_science.evaluation.cross_validation import cross_validate

N, N_FOLDS, SEED = 60, 3, 4
FRAME = pd.DataFrame(
    {
        "idx": np.arange(N),
        "attr_a": np.arange(N) % 4,
        "attr_b": np.where(np.arange(N) == 7, "z", np.where(np.arange(N) % 2, "a", "b")),
        "scd_a": np.linspace(0, 1, N),
        "scd_b": np.arange(N) % 5,
        "label": (np.arange(N) % 5 == 0).astype(int)
        | (np.arange(N) == 1),  # 13: no rate of two folds is the whole
    },
    index=np.arange(1_000, 1_000 + N),
)
GROUPS, COMMON = ModelSpecification("label ~ scd_a + (1 | attr_b)"), ModelSpecification("label ~ attr_b")


class Recorder:
    """A method that remembers what it was fitted to, and answers with the client's own number."""

    def __init__(self, fixed=()):
        self.encoding = SimpleNamespace(common_factors=set(fixed))

    def fit(self, features, label):
        self.seen = features.index
        assert label.equals(FRAME.loc[features.index, "label"])
        return self

    def predict_proba(self, rows, method=None):
        self.asked, self.method = rows.index, method
        own = FRAME.loc[rows.index, "idx"].to_numpy() / N
        return own if method else np.column_stack([1 - own, own])


@pytest.fixture
def methods(monkeypatch):
    """Every method that was fitted, in order: the candidate's and the baseline's of each fold."""
    made = []

    def candidate(train, specification, settings):
        assert settings.seed == SEED
        made.append(Recorder(["attr_b"] if specification is COMMON else []))
        return made[-1].fit(train.drop(columns="label"), train["label"])

    def baseline(seed):
        assert seed == SEED
        made.append(Recorder())
        return made[-1]

    monkeypatch.setattr(cross_validation, "_predictor", candidate)
    monkeypatch.setattr(cross_validation, "BASELINES", {"baseline": baseline})
    return made


def test_no_method_has_seen_a_client_that_it_is_asked_about(methods):
    cross_validate(FRAME, {"groups": GROUPS}, n_folds=N_FOLDS, seed=SEED)

    assert len(methods) == 2 * N_FOLDS
    for method in methods:
        assert not set(method.seen) & set(method.asked)
        assert set(method.seen) | set(method.asked) == set(FRAME.index)
    for of_kind in (methods[::2], methods[1::2]):
        assert sorted(np.concatenate([method.asked for method in of_kind])) == list(FRAME.index)
    assert {method.method for method in methods[::2]} == {"posterior"}


def test_every_client_gets_the_answer_that_is_its_own(methods):
    found = cross_validate(FRAME, {"groups": GROUPS}, n_folds=N_FOLDS, seed=SEED)

    assert found.label.tolist() == FRAME["label"].tolist()
    assert found.probability.index.equals(FRAME.index)
    for method in ("groups", "baseline"):
        assert found.probability[method].tolist() == (FRAME["idx"] / N).tolist()


def test_a_level_that_no_client_of_the_other_folds_has_gets_their_rate(methods):
    found = cross_validate(FRAME, {"common": COMMON}, n_folds=N_FOLDS, seed=SEED).probability["common"]

    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=SEED).split(FRAME, FRAME["label"])
    (others,) = (FRAME.iloc[seen] for seen, unseen in folds if 7 in unseen)
    assert found[1_007] == others["label"].mean()
    assert found.drop(1_007).tolist() == (FRAME["idx"] / N).drop(1_007).tolist()


def test_what_copies_the_label_client_by_client_helps_nobody_who_is_held_out(monkeypatch):
    own_level = FRAME.assign(attr_b=[f"client {i}" for i in range(N)])
    monkeypatch.setattr(cross_validation, "BASELINES", {})

    found = cross_validate(own_level, {"common": ModelSpecification("label ~ 1 + (1 | attr_b)")}, n_folds=2)

    with_label, without = (found.probability.loc[FRAME["label"] == label, "common"] for label in (1, 0))
    assert with_label.mean() == pytest.approx(without.mean(), abs=0.02)


@pytest.mark.parametrize(("n_ones", "refused"), [(4, True), (5, False), (55, False), (56, True)])
def test_each_of_five_folds_needs_a_client_of_each_label(monkeypatch, n_ones, refused):
    monkeypatch.setattr(cross_validation, "BASELINES", {})
    frame = FRAME.assign(label=(np.arange(N) < n_ones).astype(int))

    if refused:
        with pytest.raises(
            SchemaError, match=r"in 5 folds needs at least 5 clients of each label; one label has 4"
        ):
            cross_validate(frame, {})
    else:
        assert cross_validate(frame, {}).label.sum() == n_ones


def test_the_score_is_the_log_probability_of_the_clients_own_label_and_finite(methods):
    found = cross_validate(FRAME, {"groups": GROUPS}, n_folds=N_FOLDS, seed=SEED)

    own = FRAME["idx"] / N
    right = np.where(FRAME["label"] == 1, own, 1 - own)
    with np.errstate(divide="ignore"):
        expected = np.maximum(np.log(right), np.log(np.finfo(float).tiny))
    assert found.log_score["groups"].to_numpy() == pytest.approx(expected)
