from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from base_rate_model import BaseRateModel
from machine_learning_engineering.drift import Histogram, InputReference
from machine_learning_engineering.errors import RetrainingInputError
from machine_learning_engineering.labels import known_labels
from machine_learning_engineering.prediction_log import PredictionLog, shared_log
from machine_learning_engineering.records import Prediction
from machine_learning_engineering.retraining import RetrainingPolicy, decide, decide_from_log

START = datetime(2026, 11, 22, tzinfo=UTC)
POLICY = RetrainingPolicy()


def company(n, seed, scd_a_power=1.0, levels="abcd"):
    """Features of n clients and the probability a model gives them; the true one if nothing changed."""
    random = np.random.default_rng(seed)
    features = pd.DataFrame(
        {"scd_a": random.random(n) ** scd_a_power, "attr_b": random.choice(list(levels), n)}
    )
    eta = -2.5 + 2 * features["scd_a"] + (features["attr_b"] == "a")
    return features, (1 / (1 + np.exp(-eta))).to_numpy()


def logged(features, probability, first=0, version="v1"):
    rows = features.to_dict("records")
    return [
        Prediction(
            first + row, int(p > 0.5), rows[row], float(p), version, START + timedelta(seconds=first + row)
        )
        for row, p in enumerate(probability)
    ]


def outcomes(true_probability, seed=9):
    drawn = np.random.default_rng(seed).random(len(true_probability)) < true_probability
    return {idx: int(label) for idx, label in enumerate(drawn)}


TRAINING, _ = company(20_000, seed=1)
REFERENCE = InputReference.learn(TRAINING)


def judged(live, said, truth, n_labelled=None, policy=POLICY):
    labels = known_labels(dict(list(outcomes(truth).items())[:n_labelled]))
    return decide(logged(live, said), labels, REFERENCE, policy, model_version="v1")


def test_a_model_that_is_right_about_inputs_that_stayed_is_kept():
    live, p = company(60_000, seed=2)

    decision = judged(live, p, p)

    assert decision.outcome == "keep"
    assert not decision.should_retrain
    assert len(decision.reasons) == 4  # score, rate and two inputs


@pytest.mark.parametrize(
    ("truth", "about"),
    [
        (lambda p: p[::-1], "log score"),
        (lambda p: np.clip(2 * p, 0, 1), "rate of label 1"),
        (lambda p: p / 3, "rate of label 1"),
    ],
    ids=["ranks are lost", "events doubled", "events became rare"],
)
def test_a_model_that_became_wrong_is_retrained_with_the_reason_in_words_and_figures(truth, about):
    live, p = company(8_000, seed=2)

    decision = judged(live, p, truth(p))

    assert decision.should_retrain
    (reason,) = [one for one in decision.reasons if one.startswith(about)]
    assert "95% interval" in reason
    assert "beyond the margin" in reason
    assert reason in str(decision)


@pytest.mark.parametrize(
    ("changes", "about"),
    [({"scd_a_power": 3.0}, "input scd_a"), ({"levels": "cdef"}, "input attr_b")],
    ids=["a numeric input shifted", "new levels"],
)
def test_inputs_that_drifted_far_are_a_reason_until_labels_say_that_the_model_is_right(changes, about):
    live, p = company(60_000, seed=2, **changes)

    unknown, right = judged(live, p, p, n_labelled=0), judged(live, p, p)

    assert unknown.should_retrain
    assert [reason.split(":")[0] for reason in unknown.reasons] == [about]
    assert not right.should_retrain
    (moved,) = [reason for reason in right.reasons if reason.endswith("moved without effect")]
    assert moved.startswith(about)


def test_a_difference_that_is_certain_but_smaller_than_the_margin_is_no_reason():
    live, p = company(60_000, seed=2)

    decision = judged(live, p, p * 1.05)

    rate = next(finding for finding in decision.findings if finding.about == "rate of label 1")
    assert rate.estimate.lower > 0.005  # far from zero: any p-value would be tiny
    assert rate.verdict == "within"


@pytest.mark.parametrize("n_labelled", [0, 20, 300])
def test_few_labels_are_not_enough_data_whatever_they_say(n_labelled):
    live, p = company(5_000, seed=2)

    decision = judged(live, p, p, n_labelled)

    assert decision.outcome == "not enough data"
    assert decision.n_labelled == n_labelled
    assert decision.reasons


def test_few_live_clients_are_not_enough_data_to_judge_inputs():
    live, p = company(50, seed=2)

    decision = judged(live, p, p)

    assert "inputs: 50 clients" in decision.reasons[-1]
    assert "at least 200 needed" in decision.reasons[-1]


def test_labels_known_before_the_prediction_are_not_used():
    live, p = company(100, seed=2)
    labels = pd.DataFrame({"idx": range(100), "label": 0, "known_at": START + timedelta(seconds=50)})

    decision = decide(logged(live, p), known_labels(labels), REFERENCE, POLICY)

    assert decision.n_labelled == 50  # those predicted in the first fifty seconds


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({1: 2}, "client 1 has label 2; expected 0 or 1"),
        (pd.DataFrame({"idx": [1, 1], "label": [0, 1]}), "client 1 has two labels"),
        (pd.DataFrame({"idx": [1]}), r"lacks \['label'\]"),
    ],
    ids=["not binary", "twice", "no label column"],
)
def test_labels_that_cannot_be_used_are_refused(labels, reason):
    with pytest.raises(RetrainingInputError, match=reason):
        known_labels(labels)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"score_margin": 0.0}, "score_margin is 0.0"),
        ({"drift_margin": float("nan")}, "drift_margin is nan"),
        ({"coverage": 95}, "coverage is 95"),
    ],
)
def test_a_policy_without_a_usable_margin_is_refused(change, reason):
    with pytest.raises(RetrainingInputError, match=reason):
        RetrainingPolicy(**change)


def test_of_rare_labels_a_rate_that_doubled_is_a_reason():
    p = np.full(30_000, 0.002)
    made = logged(pd.DataFrame({"scd_a": np.zeros(p.size)}), p)

    decision = decide(made, known_labels(outcomes(2 * p)), None, RetrainingPolicy())

    assert decision.should_retrain
    assert "beyond the margin 0.001" in str(decision)


def fill(folder, made):
    with PredictionLog(folder) as log:
        for one in made:
            log.append(one)


def test_from_the_log_the_first_clients_become_the_stored_reference_and_only_later_ones_are_judged(tmp_path):
    live, p = company(600, seed=2)
    drifted, q = company(600, seed=3, levels="xyz")
    fill(tmp_path, logged(live, p) + logged(drifted, q, first=600))

    policy = RetrainingPolicy(reference_clients=600)
    first, second = (decide_from_log(tmp_path, {}, policy=policy) for _ in range(2))

    assert first == second
    assert first.should_retrain
    assert "over 600 clients" in first.reasons[0]
    assert (tmp_path / "reference-v1.json").exists()


def test_only_the_version_in_service_is_judged(tmp_path):
    live, p = company(30, seed=2)
    fill(tmp_path, logged(live, p, version="v1") + logged(live.iloc[:10], p[:10], first=100, version="v2"))

    assert decide_from_log(tmp_path, {}).model_version == "v2"
    assert decide_from_log(tmp_path, {}).n_predictions == 10
    assert decide_from_log(tmp_path, {}, model_version="v1").n_predictions == 30


def test_a_reference_stored_in_training_is_found_and_a_damaged_one_is_named(tmp_path):
    path = REFERENCE.save(tmp_path, "2026/11")
    assert InputReference.load(tmp_path, "2026/11") == REFERENCE

    path.write_text('{"format": 9}')
    with pytest.raises(RetrainingInputError, match=r"reference-2026%2F11.json .*expected 1.*delete it"):
        InputReference.load(tmp_path, "2026/11")


def test_a_reference_that_the_model_brings_is_used_in_place_of_the_first_clients(tmp_path):
    live, p = company(600, seed=2, levels="xyz")
    fill(tmp_path, logged(live, p))
    stored = {
        "attr_b": {"levels": ["a", "b", "c", "d"], "edges": [], "counts": [100, 100, 100, 100, 0]},
    }

    decision = decide_from_log(tmp_path, {}, model_version="v1", stored=stored)

    assert decision.should_retrain
    assert [finding.about for finding in decision.findings] == ["log score", "input attr_b"]
    assert not list(tmp_path.glob("reference-*"))
    with pytest.raises(RetrainingInputError, match="expected by column its levels"):
        decide_from_log(tmp_path, {}, model_version="v1", stored={"attr_b": {"levels": []}})
    of_an_unsaved_fit = decide_from_log(tmp_path, {}, stored=stored)  # whose inputs nobody was asked with
    assert of_an_unsaved_fit.model_version == "v1"
    assert "input attr_b" not in [
        finding.about for finding in of_an_unsaved_fit.findings if finding.verdict == "beyond"
    ]


def test_values_that_mean_the_same_are_counted_in_one_cell():
    histogram = Histogram.learn([1, 1.0, np.int64(1), "1", "c ", "c", None, float("nan")])

    assert histogram.levels == (1.0, "c")
    assert histogram.counts == (4, 2, 2)


def test_a_numeric_feature_is_cut_at_its_deciles_and_the_last_cell_takes_what_is_no_number():
    histogram = Histogram.learn(np.arange(1_000) / 1_000)

    assert histogram.counts == (100,) * 10 + (0,)
    assert histogram.count([-5.0, 99.0, None, "high"]).tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]


def test_a_model_asks_its_own_log(tmp_path, monkeypatch):
    monkeypatch.setenv("MLE_STORAGE", str(tmp_path))
    model = BaseRateModel()
    model.fit(pd.DataFrame({"label": [0] * 9 + [1]}))
    for idx in range(5):
        model.predict_with_logging(idx, pd.DataFrame([{"attr_a": 1}]))

    decision = model.trigger_retraining(pd.DataFrame({"idx": range(5), "label": 0}))
    shared_log().close()

    assert (decision.outcome, decision.n_labelled) == ("not enough data", 5)
