"""Effects, histograms and decisions against what one computes by hand on a few rows."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from machine_learning_engineering import retraining
from machine_learning_engineering.drift import BINS, DISTINCT_MAX, LEVELS_MAX, Histogram, InputReference
from machine_learning_engineering.effects import (
    Estimate,
    corrected_divergence,
    jensen_shannon_distance,
    rate_gap,
    score_shortfall,
)
from machine_learning_engineering.errors import RetrainingInputError
from machine_learning_engineering.labels import KnownLabel, known_labels
from machine_learning_engineering.records import Prediction, decode, encode, plain, plain_features
from machine_learning_engineering.retraining import Finding, RetrainingPolicy, decide

START = datetime(2026, 11, 22, tzinfo=UTC)
P, Y = np.array([0.1, 0.3, 0.8, 0.4]), np.array([0.0, 1.0, 1.0, 0.0])
CLIENT = np.array([7, 7, 8, 9])


def by_hand(values, variance, client, coverage):
    """Mean and half-width, with loops: clients are clusters, and the model's own variance is a floor."""
    n, mean = len(values), sum(values) / len(values)
    sums = {}
    for one, value in zip(client, values, strict=True):
        sums[one] = sums.get(one, 0.0) + value - mean
    n_clusters = max(len(sums), 2)
    robust = n_clusters / (n_clusters - 1) * sum(total**2 for total in sums.values())
    half = NormalDist().inv_cdf((1 + coverage) / 2) * math.sqrt(max(robust, sum(variance))) / n
    return mean, mean - half, mean + half


@pytest.mark.parametrize("coverage", [0.5, 0.95])
@pytest.mark.parametrize("scale", [1.0, 0.05], ids=["clusters decide", "the model decides"])
@pytest.mark.parametrize(
    "client", [CLIENT, np.array([1, 2, 2, 1]), np.zeros(4, int)], ids=["three clients", "two", "one"]
)
def test_means_and_their_intervals_are_those_of_the_formula(client, scale, coverage):
    p = P if scale == 1 else Y + scale * (1 - 2 * Y)  # almost always right
    logit = [math.log(x / (1 - x)) for x in p]

    gap = rate_gap(p, Y, client, coverage)
    shortfall = score_shortfall(p, Y, client, coverage)

    expected = by_hand([y - x for x, y in zip(p, Y, strict=True)], [x * (1 - x) for x in p], client, coverage)
    assert (gap.value, gap.lower, gap.upper) == pytest.approx(expected, rel=1e-12)
    values = [-(y - x) * z for x, y, z in zip(p, Y, logit, strict=True)]
    expected = by_hand(values, [x * (1 - x) * z**2 for x, z in zip(p, logit, strict=True)], client, coverage)
    assert (shortfall.value, shortfall.lower, shortfall.upper) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("p", "y"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_certainty_that_turns_out_wrong_costs_a_finite_score(p, y):
    found = score_shortfall(np.array([p, p]), np.array([y, y]), np.arange(2), 0.95)

    assert found.value == pytest.approx(-math.log(1e-9), rel=1e-6)


def test_divergence_and_its_error_are_those_of_the_formula_with_empty_cells():
    a, b = np.array([30.0, 10.0, 0.0, 0.0]), np.array([20.0, 30.0, 50.0, 0.0])
    n, m = a.sum(), b.sum()
    p, q = [x / n for x in a[:3]], [x / m for x in b[:3]]
    middle = [(x + y) / 2 for x, y in zip(p, q, strict=True)]

    def log_ratio(part):
        return [math.log(x / c) if x else 0.0 for x, c in zip(part, middle, strict=True)]

    def mean(part, values):
        return sum(x * v for x, v in zip(part, values, strict=True))

    def variance(part, values):
        return mean(part, [v**2 for v in values]) - mean(part, values) ** 2

    raw = (mean(p, log_ratio(p)) + mean(q, log_ratio(q))) / 2
    bias = (2 - 1) / (4 * n) + (3 - 1) / (4 * m)
    bias -= sum((x * (1 - x) / n + y * (1 - y) / m) / c for x, y, c in zip(p, q, middle, strict=True)) / 8
    delta = variance(p, log_ratio(p)) / (4 * n) + variance(q, log_ratio(q)) / (4 * m)
    limit = (3 - 1) / 32 * (1 / n + 1 / m) ** 2

    value, se = corrected_divergence(a, b)

    assert value == pytest.approx(raw - bias, rel=1e-12)
    assert se == pytest.approx(math.sqrt(delta + limit), rel=1e-12)
    distance = jensen_shannon_distance(a, b, 0.9)
    z = NormalDist().inv_cdf(0.95)
    bounds = [math.sqrt(min(max((value + k * z * se) / math.log(2), 0), 1)) for k in (0, -1, 1)]
    assert (distance.value, distance.lower, distance.upper) == pytest.approx(bounds, rel=1e-12)


@pytest.mark.parametrize(
    ("effect", "magnitude"),
    [
        (Estimate(0.03, 0.02, 0.04), Estimate(0.03, 0.02, 0.04)),
        (Estimate(-0.03, -0.04, -0.02), Estimate(0.03, 0.02, 0.04)),
        (Estimate(-0.01, -0.05, 0.03), Estimate(0.01, 0.0, 0.05)),
    ],
    ids=["above", "below", "astride"],
)
def test_a_magnitude_keeps_what_is_farthest_from_zero(effect, magnitude):
    assert effect.magnitude() == magnitude


@pytest.mark.parametrize(
    ("value", "margin", "times"), [(0.02, 0.01, 9.0), (0.0, 0.01, 9.0), (0.03, 0.01, 2.25)]
)
def test_data_needed_grows_with_the_square_of_the_interval_over_the_distance(value, margin, times):
    assert Estimate(value, value - 0.03, value + 0.03).data_needed(margin) == pytest.approx(times)


@pytest.mark.parametrize(("n_distinct", "binned"), [(DISTINCT_MAX, False), (DISTINCT_MAX + 1, True)])
def test_a_numeric_feature_is_binned_from_its_twenty_first_value_on(n_distinct, binned):
    histogram = Histogram.learn([float(i) for i in range(n_distinct)] * 2)

    assert DISTINCT_MAX == 20
    assert bool(histogram.edges) == binned
    assert bool(histogram.levels) != binned
    assert sum(histogram.counts) == 2 * n_distinct
    assert len(histogram.counts) == (BINS + 1 if binned else n_distinct + 1)


def test_text_is_never_binned_and_rare_levels_are_counted_together():
    values = [name for i in range(LEVELS_MAX + 3) for name in [f"level {i}"] * (100 - i)]

    histogram = Histogram.learn([*values, "1.5", None])

    assert LEVELS_MAX == 50
    assert histogram.levels == tuple(f"level {i}" for i in range(50))
    assert histogram.counts[-1] == (50 + 49 + 48) + 1 + 1
    assert histogram.counts[:2] == (100, 99)


def test_a_value_on_an_edge_belongs_to_the_bin_above_it():
    histogram = Histogram.learn([float(i) for i in range(101)])

    assert histogram.edges == tuple(float(10 * i) for i in range(1, 10))
    assert all(later > sooner for sooner, later in pairwise(histogram.edges))
    assert histogram.counts == (10, 10, 10, 10, 10, 10, 10, 10, 10, 11, 0)
    assert histogram.count([10, 9.999, float("inf"), " 95 ", "high"]).tolist() == [
        1,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        2,
    ]


def test_a_reference_is_of_features_and_keeps_from_when_it_is(tmp_path):
    frame = pd.DataFrame({"idx": [1, 2], "label": [0, 1], "a": ["x", "y"]})
    assert set(InputReference.learn(frame).features) == {"a"}
    assert set(InputReference.learn(frame, exclude=("a",)).features) == {"idx", "label"}
    assert InputReference.learn(frame).until is None

    made = [prediction(1, a=1), prediction(3, b="x"), prediction(2, a=2, b="y")]
    learned = InputReference.learn_from_log(made)
    learned.save(tmp_path, None)

    assert learned.until == START + timedelta(seconds=3)
    assert learned.features["a"] == Histogram((1.0, 2.0), (), (1, 1, 1))
    assert learned.features["b"] == Histogram(("x", "y"), (), (1, 1, 1))
    assert (tmp_path / "reference-unversioned.json").is_file()
    assert InputReference.load(tmp_path, None) == learned
    assert InputReference.load(tmp_path, "another") is None


def prediction(second, p=0.5, idx=None, **features):
    return Prediction(second if idx is None else idx, 0, features, p, "v1", START + timedelta(seconds=second))


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
        (Estimate(0.3, 0.1, 0.5), "on both sides of the margin 0.2: about 4.0 times the data would tell"),
        (Estimate(0.3, 0.199, 0.401), "about 1.1 times the data would tell"),
        (Estimate(0.21, 0.109, 0.311), "and more data will hardly tell"),
    ],
)
def test_a_finding_says_its_figures_and_what_would_make_it_clear(estimate, closing):
    finding = retraining._finding("it", estimate, 0.2, "distance", POLICY)

    assert finding.sentence.endswith(closing)
    assert finding.sentence.startswith("it: distance ")
    assert finding.estimate == estimate


def test_more_than_a_hundred_times_the_data_are_never_asked_for():
    assert retraining._more_data(100.0) == "about 100.0 times the data would tell"
    assert "will hardly tell" in retraining._more_data(100.5)


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


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(2.0), 2.0),
        (float("nan"), None),
        (np.float32("nan"), None),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (None, None),
        (pd.NA, None),
        (pd.NaT, None),
        (True, True),
        (7, 7),
        ("text", "text"),
        (pd.Timestamp("2026-11-22"), "2026-11-22 00:00:00"),
        ([1], "[1]"),
    ],
    ids=repr,
)
def test_every_value_is_recorded_as_json_can_hold_it(value, kept):
    assert plain(value) == kept
    assert type(plain(value)) is type(kept)
    record = Prediction(1, 0, plain_features({"x": value}), 0.25, "v", START)
    assert decode(encode(record)) == record


def test_features_keep_their_order_and_absent_ones_are_none():
    frame = pd.DataFrame([{"b": 1, "a": "x"}])

    assert list(plain_features(frame).items()) == [("b", 1), ("a", "x")]
    assert plain_features(None) == {}
    for n_rows in (0, 2):
        with pytest.raises(ValueError, match=f"features has {n_rows} rows; expected one row"):
            plain_features(pd.concat([frame] * n_rows) if n_rows else frame.head(0))


def test_a_moment_without_a_zone_is_utc():
    labels = pd.DataFrame({"idx": [1, 2], "label": [0, 1], "known_at": [datetime(2026, 11, 22), START]})  # noqa: DTZ001

    assert known_labels(labels) == {1: KnownLabel(0, START), 2: KnownLabel(1, START)}
    assert known_labels({3: 1}) == {3: KnownLabel(1, None)}


def test_a_label_tests_only_what_was_predicted_before_it_was_known():
    label = KnownLabel(1, START)

    assert label.tests(START - timedelta(microseconds=1))
    assert not label.tests(START)
    assert KnownLabel(1).tests(START)
