import math

import numpy as np
import pytest
from machine_learning_engineering.effects import (
    Estimate,
    corrected_divergence,
    jensen_shannon_distance,
    rate_gap,
    score_shortfall,
)
from scipy.spatial.distance import jensenshannon

Z95 = 1.959963984540054  # normal quantile at .975


def test_the_shortfall_is_the_expected_minus_the_observed_log_score():
    p, y = np.array([0.1, 0.3, 0.8]), np.array([0.0, 1.0, 1.0])

    observed = np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    expected = np.mean(p * np.log(p) + (1 - p) * np.log(1 - p))

    assert score_shortfall(p, y, np.arange(3), 0.95).value == pytest.approx(expected - observed, abs=1e-15)


def test_the_interval_is_the_models_own_where_no_event_was_seen():
    p, y = np.full(200, 0.05), np.zeros(200)

    gap = rate_gap(p, y, np.arange(200), 0.95)

    assert gap.upper - gap.value == pytest.approx(Z95 * math.sqrt(0.05 * 0.95 / 200), rel=1e-9)


def test_asking_each_client_ten_times_makes_the_interval_no_narrower():
    random = np.random.default_rng(1)
    p = random.uniform(0.05, 0.95, 500)
    y = (random.random(500) < 0.5).astype(float)

    once = rate_gap(p, y, np.arange(500), 0.95)
    ten_times = rate_gap(np.repeat(p, 10), np.repeat(y, 10), np.repeat(np.arange(500), 10), 0.95)

    assert ten_times.upper - ten_times.lower == pytest.approx(once.upper - once.lower, rel=1e-9)


def test_the_interval_of_the_shortfall_covers_zero_as_often_as_stated_when_the_model_is_right():
    random = np.random.default_rng(2)
    n_runs, n = 1_000, 2_000
    p = random.beta(1, 9, (n_runs, n))
    y = (random.random((n_runs, n)) < p).astype(float)

    covered = [
        estimate.lower <= 0 <= estimate.upper
        for estimate in (
            score_shortfall(p_run, y_run, np.arange(n), 0.95) for p_run, y_run in zip(p, y, strict=True)
        )
    ]

    assert np.mean(covered) == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / n_runs))


def test_the_distance_of_large_histograms_is_scipys():
    p, q = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.25, 0.25, 0.4, 0.1])

    distance = jensen_shannon_distance(p * 1e9, q * 1e9, 0.95)

    assert distance.value == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)


def test_histograms_without_a_common_cell_are_at_distance_one():
    far = jensen_shannon_distance(np.array([1e6, 0.0]), np.array([0.0, 1e6]), 0.95)

    assert far.value == pytest.approx(1)


@pytest.mark.parametrize("n_live", [1_000, 10_000])
@pytest.mark.parametrize("n_cells", [2, 10, 50])
def test_without_drift_the_corrected_divergence_is_zero_on_average_and_its_error_the_stated_one(
    n_cells, n_live
):
    random = np.random.default_rng(n_cells)
    p = random.dirichlet(np.full(n_cells, 5.0))
    n_runs = 2_000
    samples = zip(random.multinomial(150_000, p, n_runs), random.multinomial(n_live, p, n_runs), strict=True)

    estimates = np.array([corrected_divergence(a.astype(float), b.astype(float)) for a, b in samples])

    value, se = estimates.mean(axis=0)
    assert abs(value) < 4 * estimates[:, 0].std() / math.sqrt(n_runs)
    assert estimates[:, 0].std() <= 1.1 * se  # never narrower than what sampling does


@pytest.mark.parametrize("drifted_share", [0.0, 0.5, 1.0], ids=["no drift", "some", "much"])
def test_the_interval_of_the_distance_covers_the_truth_at_least_as_often_as_stated(drifted_share):
    random = np.random.default_rng(3)
    p, far = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3, 0.4])
    q = (1 - drifted_share) * p + drifted_share * far
    truth = jensenshannon(p, q, base=2)
    n_runs = 1_000

    covered = 0
    for _ in range(n_runs):
        estimate = jensen_shannon_distance(
            random.multinomial(2_000, p).astype(float), random.multinomial(500, q).astype(float), 0.95
        )
        covered += estimate.lower <= truth + 1e-12 and truth <= estimate.upper

    assert covered / n_runs > 0.95 - 4 * math.sqrt(0.95 * 0.05 / n_runs)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.02, 0.04), "beyond"),
        ((0.0, 0.02), "unclear"),
        ((-0.01, 0.009), "within"),
        ((-0.01, 0.01), "within"),
        ((0.01, 0.03), "unclear"),
        ((0.01, 0.01), "within"),
    ],
    ids=["all above", "astride", "all below", "up to it", "from it on", "it"],
)
def test_an_effect_is_judged_by_its_whole_interval(interval, verdict):
    assert Estimate(sum(interval) / 2, *interval).judged_by(0.01) == verdict


def test_a_magnitude_loses_its_sign_and_keeps_its_interval():
    assert Estimate(-0.03, -0.04, -0.02).magnitude() == Estimate(0.03, 0.02, 0.04)
    assert Estimate(0.01, -0.01, 0.03).magnitude() == Estimate(0.01, 0.0, 0.03)


def test_four_times_the_data_halve_the_interval():
    assert Estimate(0.02, 0.0, 0.04).data_needed(0.01) == pytest.approx(4)
    assert Estimate(0.01, 0.0, 0.02).data_needed(0.01) == math.inf
