"""Net benefit and cost against their definitions, and both against each other."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import beta, binom

from data_science.evaluation import decision_curve

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
