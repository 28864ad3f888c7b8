"""Findings and decisions against what one computes by hand on a few predictions."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from machine_learning_engineering import retraining
from machine_learning_engineering.drift import Histogram, InputReference
from machine_learning_engineering.effects import (
    Estimate,
    jensen_shannon_distance,
)
from machine_learning_engineering.errors import RetrainingInputError
from machine_learning_engineering.labels import KnownLabel
from machine_learning_engineering.retraining import Finding, RetrainingPolicy, decide
from made_predictions import START, prediction

POLICY = RetrainingPolicy()


def test_the_margins_are_those_that_are_documented():
    assert RetrainingPolicy(0.01, 0.02, 0.2, 0.95, 10.0, 200, 1_000) == POLICY


@pytest.mark.parametrize("name", ["score_margin", "rate_margin", "drift_margin", "expected_variance_min"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_every_margin_must_be_a_positive_number(name, value):
    with pytest.raises(RetrainingInputError, match=f"{name} is"):
        replace(POLICY, **{name: value})


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.5, 1.5])
def test_a_coverage_lies_between_0_and_1(coverage):
    with pytest.raises(RetrainingInputError, match=f"coverage is {coverage}"):
        replace(POLICY, coverage=coverage)


@pytest.mark.parametrize(
    ("verdicts", "outcome", "n_reasons"),
    [
        (("within", "within", "within"), "keep", 3),
        (("within", "unclear", "within"), "not enough data", 1),
        (("beyond", "unclear", "beyond"), "retrain", 2),
        ((), "keep", 0),
    ],
)
def test_one_effect_beyond_its_margin_is_enough_and_one_that_is_unclear_is_not(
    monkeypatch, verdicts, outcome, n_reasons
):
    found = [Finding(f"{i}", verdict, None, 0.1, f"sentence {i}") for i, verdict in enumerate(verdicts)]
    monkeypatch.setattr(retraining, "_calibration", lambda *_: found[:1])
    monkeypatch.setattr(retraining, "_drift", lambda *_: found[1:])

    decision = decide([prediction(1)], {}, None, POLICY, n_skipped=4)

    assert decision.outcome == outcome
    assert decision.should_retrain == (outcome == "retrain")
    assert len(decision.reasons) == n_reasons
    assert decision.findings == tuple(found)
    assert (decision.n_predictions, decision.n_labelled, decision.n_skipped) == (1, 0, 4)
    assert str(decision).splitlines()[0] == f"{outcome} (model without version)"


def labelled(n_right, n_wrong=0, p=0.5):
    """Return predictions of clients and their labels, of which ``n_wrong`` are 1."""
    made = [prediction(second, p) for second in range(n_right + n_wrong)]
    labels = {one.idx: KnownLabel(int(one.idx < n_wrong)) for one in made}
    return made, labels


@pytest.mark.parametrize(("n", "judged"), [(39, False), (40, True), (41, True)])
def test_calibration_is_judged_from_ten_expected_events_variance_on(n, judged):
    made, labels = labelled(n)

    findings = retraining._calibration(made, labels, POLICY)

    assert len(findings) == (2 if judged else 1)
    if not judged:
        assert (findings[0].verdict, findings[0].estimate, findings[0].margin) == ("unclear", None, 0.01)
        assert "39 predictions" in findings[0].sentence
        assert "variance of 9.8 expected events; at least 10 needed" in findings[0].sentence


@pytest.mark.parametrize(("n_ones", "side"), [(30, "below"), (70, "above")])
def test_findings_of_calibration_say_what_was_observed_and_predicted(n_ones, side):
    made, labels = labelled(100 - n_ones, n_ones)

    score, rate = retraining._calibration(made, labels, POLICY)

    assert (score.about, rate.about) == ("log score", "rate of label 1")
    assert (score.margin, rate.margin) == (0.01, 0.02)
    assert f"{n_ones / 100:.4f} observed, {side} the 0.5000 predicted; difference 0.2000" in rate.sentence
    assert rate.estimate.value == pytest.approx(0.2)
    assert rate.verdict == "beyond"
    assert score.estimate.value == pytest.approx(0.0)
    assert "over 100 labelled predictions the mean log score is" in score.sentence


def test_the_score_is_said_with_the_sign_of_the_score_not_of_the_shortfall():
    made, labels = labelled(0, 50, p=0.25)

    score, _ = retraining._calibration(made, labels, replace(POLICY, expected_variance_min=1.0))

    assert score.estimate.value == pytest.approx(0.75 * math.log(3))
    assert f"is {-0.75 * math.log(3):+.4f} nats" in score.sentence


def test_only_predictions_with_a_probability_and_a_later_label_are_tested():
    made = [prediction(1), prediction(2, p=None), prediction(3), prediction(4), prediction(5)]
    labels = {
        1: KnownLabel(0),
        2: KnownLabel(0),
        4: KnownLabel(0, START + timedelta(seconds=4)),
        5: KnownLabel(0, START + timedelta(seconds=6)),
    }

    assert decide(made, labels, None, POLICY).n_labelled == 2


def drifted(n, reference, policy=POLICY):
    return retraining._drift([prediction(10 + i, a=i % 2) for i in range(n)], reference, policy)


REFERENCE = InputReference({"a": Histogram((0.0, 1.0), (), (500, 500, 0))})


@pytest.mark.parametrize(("n", "judged"), [(199, False), (200, True)])
def test_drift_is_judged_from_two_hundred_clients_on(n, judged):
    (finding,) = drifted(n, REFERENCE)

    assert finding.about == ("input a" if judged else "inputs")
    assert finding.margin == 0.2
    if not judged:
        assert finding.verdict == "unclear"
        assert "199 clients with logged features after the reference; at least 200 needed" in finding.sentence


def test_without_a_reference_its_clients_are_what_is_needed():
    (finding,) = drifted(300, None)

    assert (
        "300 clients with logged features and no stored reference; at least 1000 needed" in finding.sentence
    )


def test_drift_counts_the_latest_row_of_each_client_after_the_reference():
    reference = replace(REFERENCE, until=START + timedelta(seconds=10))
    made = [
        prediction(10, idx=1, a=0),  # not after the reference
        prediction(11, idx=2, a=0),
        prediction(12, idx=2, a=1),
        prediction(13, idx=3, a=1),
        prediction(14, idx=4),  # without features
    ]

    (finding,) = retraining._drift(made, reference, replace(POLICY, live_clients_min=2))

    expected = jensen_shannon_distance(np.array([500.0, 500, 0]), np.array([0.0, 2, 0]), 0.95)
    assert finding.estimate == expected
    assert "over 2 clients" in finding.sentence


@pytest.mark.parametrize(
    ("estimate", "closing"),
    [
        (Estimate(0.5, 0.3, 0.7), "0.5000 (95% interval 0.3000 to 0.7000), beyond the margin 0.2"),
        (Estimate(0.1, 0.0, 0.2), "0.1000 (95% interval 0.0000 to 0.2000), within the margin 0.2"),
        (Estimate(0.3, 0.1, 0.5), "on both sides of the margin 0.2: about 4.0 times the data would decide"),
        (Estimate(0.3, 0.199, 0.401), "about 1.1 times the data would decide"),
        (Estimate(0.21, 0.109, 0.311), "and more data are unlikely to decide"),
    ],
)
def test_a_finding_says_its_figures_and_what_would_make_it_clear(estimate, closing):
    finding = retraining._finding("it", estimate, 0.2, "distance", POLICY)

    assert finding.sentence.endswith(closing)
    assert finding.sentence.startswith("it: distance ")
    assert finding.estimate == estimate


def test_more_than_a_hundred_times_the_data_are_never_asked_for():
    assert retraining._more_data(100.0) == "about 100.0 times the data would decide"
    assert "are unlikely to decide" in retraining._more_data(100.5)


@pytest.mark.parametrize(("n_wanted", "found"), [(2, [1, 3]), (3, [1, 3, 2]), (4, [])])
def test_the_first_clients_are_one_prediction_each_in_their_order(n_wanted, found):
    made = [
        prediction(0, idx=9),
        prediction(1, idx=1, a=1),
        prediction(2, idx=3, a=2),
        prediction(3, idx=1, a=9),
    ]
    made += [prediction(4, idx=2, a=3)]

    first = retraining._first_clients(made, n_wanted)

    assert [one.idx for one in first] == found
    assert all(one.features["a"] != 9 for one in first)
