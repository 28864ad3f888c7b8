"""Net benefit and cost against their definitions, and both against each other."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import beta, binom

from data_science.study import decision_curve

RNG = np.random.default_rng(2)
PROBABILITY = RNG.beta(1, 9, 20_000)
LABEL = (RNG.random(20_000) < PROBABILITY).astype(int)
N_DRAWS = 4_000


@pytest.mark.parametrize("threshold", [0.02, 0.1, 0.3])
def test_net_benefit_is_true_positives_less_false_ones_at_their_exchange_rate(threshold):
    chosen = threshold < PROBABILITY
    found, alarms = (chosen & (LABEL == 1)).mean(), (chosen & (LABEL == 0)).mean()
    expected = found - threshold / (1 - threshold) * alarms

    band = decision_curve.net_benefit(LABEL, PROBABILITY, [threshold], n_draws=N_DRAWS).model.iloc[0]

    assert band["middle"] == pytest.approx(expected, abs=5 * (band["high"] - band["low"]) / N_DRAWS**0.5)
    assert band["low"] < expected < band["high"]


def test_expected_cost_counts_missed_positives_at_their_ratio():
    ratio = 9.0
    chosen = 1 / (1 + ratio) < PROBABILITY
    expected = (chosen & (LABEL == 0)).mean() + ratio * (~chosen & (LABEL == 1)).mean()

    found = decision_curve.expected_cost(LABEL, PROBABILITY, [ratio])

    assert found.model["middle"].iloc[0] == pytest.approx(expected, rel=0.01)
    assert found.all_ones["middle"].iloc[0] == pytest.approx((LABEL == 0).mean(), rel=0.01)
    assert found.all_zeros["middle"].iloc[0] == pytest.approx(ratio * LABEL.mean(), rel=0.02)


def test_a_good_prediction_is_useful_and_a_random_one_is_not():
    thresholds = np.linspace(0.02, 0.4, 20)
    noise = np.random.default_rng(3).permutation(PROBABILITY)

    assert len(decision_curve.net_benefit(LABEL, PROBABILITY, thresholds).useful) > 15
    assert decision_curve.net_benefit(LABEL, noise, thresholds).useful.empty


def test_noise_is_hardly_ever_called_useful_though_many_thresholds_are_looked_at():
    rng, thresholds, n_claims = np.random.default_rng(4), np.linspace(0.01, 0.2, 60), 0
    for seed in range(100):
        label = (rng.random(3_000) < 0.09).astype(int)
        noise = expit(logit(0.09) + 0.15 * rng.normal(size=3_000))
        n_claims += not decision_curve.net_benefit(
            label, noise, thresholds, n_draws=500, seed=seed
        ).useful.empty

    # A one-sided mistake has probability 2.5 % at most: 99.9 % of such runs have at most 8.
    assert n_claims <= binom.ppf(0.999, 100, 0.025)


def test_bands_at_each_threshold_are_those_of_jeffreys_prior():
    thresholds = np.array([0.05, 0.1, 0.2])
    n_missed = np.array([((cut >= PROBABILITY) & (LABEL == 1)).sum() for cut in thresholds])
    n_alarms = np.array([((cut < PROBABILITY) & (LABEL == 0)).sum() for cut in thresholds])

    found = decision_curve.expected_cost(LABEL, PROBABILITY, 1 / thresholds - 1, n_draws=40_000)

    # The share of positives is Beta: two of the four outcomes, with half a client of prior each.
    n_ones, n_zeros = LABEL.sum() + 1, (1 - LABEL).sum() + 1
    bounds = np.outer(1 / thresholds - 1, beta.ppf([0.025, 0.975], n_ones, n_zeros))
    assert found.all_zeros[["low", "high"]].to_numpy() == pytest.approx(bounds, rel=0.005)
    # Mean cost: false alarms, and missed positives at their ratio.
    cost = (n_alarms + 0.5 + (1 / thresholds - 1) * (n_missed + 0.5)) / (len(LABEL) + 2)
    assert found.model["middle"].to_numpy() == pytest.approx(cost, rel=0.002)


def test_net_benefit_and_cost_agree_on_where_the_model_is_useful():
    thresholds = np.array([0.05, 0.1, 0.2])

    benefit = decision_curve.net_benefit(LABEL, PROBABILITY, thresholds).gain["middle"]
    cost = decision_curve.expected_cost(LABEL, PROBABILITY, 1 / thresholds - 1).gain["middle"]

    # Both are the same gain, in true positives and in false alarms.
    assert (cost * thresholds / (1 - thresholds[:])).to_numpy() == pytest.approx(benefit.to_numpy(), rel=0.1)


def test_outcomes_are_counted_at_each_threshold():
    table = decision_curve.outcomes([1, 0, 1, 0], [0.9, 0.6, 0.4, 0.1], {"half": 0.5, "low": 0.05})

    assert table.loc["half"].tolist() == [0.5, 2, 1, 1]
    assert table.loc["low"].tolist() == [0.05, 4, 2, 0]


@pytest.mark.parametrize("rate", [0.01, 0.4, 0.95])
def test_what_is_looked_at_holds_the_place_where_treating_all_alike_changes_sides(rate):
    ratios = decision_curve.cost_ratios(rate)
    thresholds = decision_curve.thresholds(rate, [rate, 0.999])

    assert ratios.min() < (1 - rate) / rate < ratios.max()
    assert thresholds.min() < rate < thresholds.max() < 1


def test_cost_ratios_reach_from_a_twentieth_to_twenty_times_the_even_one():
    ratios = decision_curve.cost_ratios(0.2)

    assert ratios[[0, -1]] == pytest.approx([4 / 20, 4 * 20])
    assert ratios[1:] / ratios[:-1] == pytest.approx(np.full(59, 400 ** (1 / 59)))
    assert len(decision_curve.cost_ratios(0.2, 7)) == 7


@pytest.mark.parametrize(
    ("rate", "highest", "last"), [(0.1, 0.15, 0.2), (0.1, 0.5, 0.55), (0.1, 0.95, 0.99), (0.6, 0.7, 0.99)]
)
def test_thresholds_reach_from_a_tenth_of_the_rate_to_beyond_the_highest_prediction(rate, highest, last):
    found = decision_curve.thresholds(rate, [0.01, highest, 0.02])

    assert found == pytest.approx(np.linspace(rate / 10, last, 60))
    assert len(decision_curve.thresholds(rate, [highest], 7)) == 7


def test_a_client_exactly_at_the_threshold_is_predicted_as_0():
    table = decision_curve.outcomes([1, 0, 1], [0.5, 0.5, 0.6], {"half": 0.5})

    assert table.loc["half"].tolist() == [0.5, 1, 1, 1]
    cost = decision_curve.expected_cost([1, 0] * 10_000, [0.5, 0.4] * 10_000, [1.0])
    assert cost.model["middle"].iloc[0] == pytest.approx(0.5, rel=0.01)  # every 1 is missed


def test_the_band_of_whole_curves_is_as_wide_as_their_farthest_point_asks():
    draws = np.array([[-1.0, 1.0, 0.0, 0.0] * 50, [0.0, 0.0, -1.0, 1.0] * 50, [3.0] * 200])

    low, middle, high = decision_curve._simultaneous(draws)

    # Every curve is somewhere sqrt(2) of its point's sds away, and the point that never moves has no width.
    assert low == pytest.approx([-1, -1, 3])
    assert middle == pytest.approx([0, 0, 3])
    assert high == pytest.approx([1, 1, 3])


@pytest.mark.parametrize(("larger_is_better", "gain"), [(True, 0.5), (False, 1.5)])
def test_the_gain_is_over_the_better_of_the_two_that_need_no_model(larger_is_better, gain):
    index = decision_curve.pd.Index([0.1], name="threshold")
    model, ones, zeros = (np.full((1, 100), value) for value in (2.5, 2.0, 1.0))
    if not larger_is_better:
        model, ones, zeros = -0.5 * np.ones((1, 100)), np.full((1, 100), 2.0), np.full((1, 100), 1.0)

    found = decision_curve._strategies(index, model, ones, zeros, larger_is_better=larger_is_better)

    assert found.gain["middle"].tolist() == [gain]
    assert found.all_ones["middle"].tolist() == [2.0]
    assert found.all_zeros["middle"].tolist() == [1.0]
