"""Sentences say what the numbers say, whichever way they turn out."""

import numpy as np
import pandas as pd
import pytest

from book.exploration import Screen
from data_science.evaluation.comparison import Difference
from data_science.evaluation.discrimination import Concordance
from data_science.evaluation.planted import Planted
from data_science.report import findings
from tests.book.made_figures import (
    GAIN,
    LOSS,
    MONTHS,
    NOISE,
    NOTHING,
    ONE,
    OPINION,
    OUTCOMES,
    OUTSIDE,
    PAIR,
    PROBABILITY,
    SHUFFLED,
    SIGN_IN_A_LEVEL,
    SOLD,
    TINY,
    TWO_KEYS,
    TWO_YEARS,
    discrepancies,
    ends,
    khats,
    reliability,
    replication,
    scores,
    screen,
    sensitivities,
    strategies,
)

# fmt: off
SENTENCES = [
    (findings.follows_from_sources, ["t", NOTHING, 1000], "t follows from its sources in all of its 1,000 rows"),
    (findings.follows_from_sources, ["t", ONE, 1000], "t differs from what its sources imply in 1 place, first in scd_b of idx 7"),
    (findings.follows_from_sources, ["t", ONE.assign(column="(row)"), 9], "t differs from what its sources imply in 1 place, first in whether it has a row for idx 7"),
    (findings.clients_lost, [pd.Series({"without a label": 0}), 9], "it contains every one of the 9 clients"),
    (findings.clients_lost, [pd.Series({"without a label": 2}), 9], "of 9 clients with a profile, 2 without a label are left out"),
    (findings.stores_seen, [SOLD], "of 2 stores, Lyon sells most in a month, 3.0 times what Aarhus sells"),
    (findings.stores_seen, [SOLD[:1]], "the only store is Lyon"),
    (findings.months_seen, [MONTHS], "December is the strongest month, 2.0 times January, the weakest"),
    (findings.months_seen, [MONTHS[:1]], "there are too few months to compare"),
    (findings.farthest_group, [screen(2.0)], "of 5 groups the one farthest from the overall rate is attr_a = 2, by 2.0 standard deviations, and 133 of 199 data sets with a shuffled label have one as far out"),
    (findings.farthest_group, [screen(5.0)], "of 5 groups the one farthest from the overall rate is attr_a = 2, by 5.0 standard deviations, and none of 199 data sets with a shuffled label have one as far out"),
    (findings.farthest_group, [screen(4.0)], "of 5 groups the one farthest from the overall rate is attr_a = 2, by 4.0 standard deviations, and 1 of 199 data sets with a shuffled label has one as far out"),
    (findings.intervals_seen, [20, 0, SHUFFLED], "none of 20 intervals exclude the overall rate; with a shuffled label there are 1 on average, and at least as many in 100 % of shuffles"),
    (findings.intervals_seen, [20, 1, SHUFFLED], "1 of 20 intervals excludes the overall rate; with a shuffled label there are 1 on average, and at least as many in 50 % of shuffles"),
    (findings.prior_allows, [np.linspace(0, 1, 101), 0.1], "before seeing data, the model considers any overall rate from 2 % to 98 % possible (95 % interval); the observed one, 10.0 %, lies inside, with 10 % of the prior below it"),
    (findings.prior_allows, [np.linspace(0.4, 0.6, 101), 0.1], "before seeing data, the model considers any overall rate from 40 % to 60 % possible (95 % interval); the observed one, 10.0 %, lies outside, with 0 % of the prior below it"),
    (findings.extremes, [np.full(9, 0.5), np.full(9, 0.999)], "a probability below 1 % or above 99 % has a chance of 0 %, and would have one of 100 % under a prior ten times as wide"),
    (findings.second_opinion, [OPINION], "a second engine, which integrates numerically from the same likelihood, gives the same posterior: the largest difference is 0.030 of a posterior standard deviation (attr_a = 3), 2.1 Monte Carlo standard errors where up to 4.5 may be chance"),
    (findings.second_opinion, [OPINION | {"by": "nested Laplace"}], "a second engine, which integrates numerically from the same likelihood, gives the same posterior: the largest difference is 0.030 of a posterior standard deviation (attr_a = 3), 2.1 Monte Carlo standard errors where up to 4.5 may be chance"),
    (findings.second_opinion, [OPINION | {"by": "the walker"}], "the walker, from the same likelihood, gives the same posterior: the largest difference is 0.030 of a posterior standard deviation (attr_a = 3), 2.1 Monte Carlo standard errors where up to 4.5 may be chance"),
    (findings.second_opinion, [None], "there is no second opinion on this fit: none was asked for"),
    (findings.second_opinion, [None, "k-hat 0.9."], "there is no second opinion on this fit: k-hat 0.9."),
    (findings.chains, [pd.Series({"a": 0.5, "b": 0.01})], "the smallest of the 2 p-values is 0.010 (b), which is no sign that they disagree"),
    (findings.chains, [pd.Series({"a": 0.5, "b": 0.001})], "the smallest of the 2 p-values is 0.001 (b), which is a sign that they do not quite agree"),
    (findings.energy, [{"energy": np.array([-1.0, 1]), "change": np.array([-1.0, 1])}], "the changes (1.0 nats) are not much narrower than the whole (1.0; standard deviations)"),
    (findings.energy, [{"energy": np.array([-4.0, 4]), "change": np.array([-1.0, 1])}], "the changes (1.0 nats) are much narrower than the whole (4.0; standard deviations)"),
    (findings.spreads, [{"these": np.full(9, 0.25)}], "these 0.25 (0.25 to 0.25)"),
    (findings.replicated, [[replication(100)]], "all 2 observed rates lie inside the 95 % interval of simulated data"),
    (findings.replicated, [[replication(300)]], "1 of 2 observed rates lies inside the 95 % interval of simulated data"),
    (findings.discrepancy, [replication(100).discrepancy], "200 of 200 data sets simulated from the model have a group of clients as far off as the data"),
    (findings.discrepancy, [replication(300).discrepancy], "none of 200 data sets simulated from the model have a group of clients as far off as the data"),
    (findings.pooling, [{"attr": replication(300)}], "the rates of attr span 20.0 percentage points raw and 0.0 pooled; attr = b moved most, by 20.0 points"),
    (findings.residuals, [{"a": replication(100).residuals}], "none of 2 residuals lie outside, where at most about 0.1 would by chance"),
    (findings.residuals, [{"a": replication(300).residuals}], "1 of 2 residuals lies outside, where at most about 0.1 would by chance"),
    (findings.recalibrated, [reliability(0.06, 0.4)], "the recalibrated curve leaves the band for 6 % of the clients; curves of right probabilities do so for as many in 40 % of simulations"),
    (findings.recalibrated, [reliability(0.4, 0.01)], "the recalibrated curve leaves the band for 40 % of the clients; curves of right probabilities do so for as many in 1 % of simulations"),
    (findings.sensitivity, [sensitivities(0.02)], "the largest sensitivity to the prior is 0.020 (sd); none is above the limit of 0.05"),
    (findings.sensitivity, [sensitivities(0.2)], "the largest sensitivity to the prior is 0.200 (sd); sd is above the limit of 0.05"),
    (findings.measured_gain, [NOISE], "+1.0 nats over all 1,000 clients (standard error 3.0)"),
    (findings.measured_gain, [LOSS], "\N{MINUS SIGN}90.0 nats over all 1,000 clients (standard error 3.0)"),
    (findings.measured_gain, [Difference(float("nan"), 3.0, 9)], "+nan nats over all 9 clients (standard error 3.0)"),
    (findings.concordant, [Concordance(0.4, 0.5, 0.6)], "in 50.0 % of pairs (95 % interval 40.0 % to 60.0 %), where tossing a coin would be right in 50 %"),
    (findings.spread_out, [PROBABILITY], "99 % of the clients get a probability between 10.1 % and 20.0 %"),
    (findings.where_it_gains, [strategies(-1, 0), ends], "the 95 % band of what is gained over treating all clients alike reaches zero wherever from 0.1 to 0.2"),
    (findings.where_it_gains, [strategies(-1, 1, 1), ends], "the 95 % band of what is gained over treating all clients alike lies above zero where from 0.2 to 0.3"),
    (findings.where_it_gains, [strategies(1, -1, 1), ends], "the 95 % band of what is gained over treating all clients alike lies above zero, in places, where from 0.1 to 0.3"),
    (findings.ones_predicted, [PROBABILITY, 0.5], "every client gets a 0: the highest predicted probability is 20.0 %, and a 1 needs more than 50 %"),
    (findings.ones_predicted, [PROBABILITY, 0.2], "every client gets a 0: the highest predicted probability is 20.0 %, and a 1 needs more than 20 %"),
    (findings.ones_predicted, [pd.Series([0.1, 0.6]), 0.5], "1 client of 2 gets a 1, with a probability above 50 %"),
    (findings.even_costs, [0.09], "9.0 % of the clients are positive, so that only a client far above the average is predicted as 1. This is not a defect: predicting 1 for a client who is more likely to be 0 would be mistaken more often than right"),
    (findings.even_costs, [0.91], "91.0 % of the clients are positive, so that only a client far below the average is predicted as 0. This is not a defect: predicting 0 for a client who is more likely to be 1 would be mistaken more often than right"),
    (findings.even_costs, [0.42], "42.0 % of the clients are positive, so that a client near the average may be predicted as either"),
    (findings.follows_from_sources, ["t", pd.concat([ONE, ONE]), 9], "t differs from what its sources imply in 2 places, first in scd_b of idx 7"),
    (findings.follows_from_sources, ["t", TWO_KEYS, 9], "t differs from what its sources imply in 1 place, first in value of store 7, month May"),
    (findings.clients_lost, [pd.Series({"without a label": 1234, "with two": 1, "without": 0}), 1500], "of 1,500 clients with a profile, 1,234 without a label and 1 with two are left out"),
    (findings.commonest, [{"attr_a": pd.Series({1: 0.502, 2: 0.498}), "attr_b": pd.Series({"c": 0.3, "d": 0.7})}], "the most common levels are attr_a = 1 (50 %) and attr_b = d (70 %)"),
    (findings.stores_seen, [SOLD[:0]], "there are no sales"),
    (findings.stores_seen, [SOLD * [1, 0]], "of 2 stores, Lyon sells most in a month"),
    (findings.stores_seen, [SOLD * [1, -1]], "of 2 stores, Lyon sells most in a month"),
    (findings.months_seen, [TWO_YEARS], "May is the strongest month, 4.0 times September, the weakest"),
    (findings.months_seen, [MONTHS - 4.0], "December is the strongest month, above January, the weakest"),
    (findings.months_seen, [MONTHS - 5.0], "December is the strongest month, above January, the weakest"),
    (findings.farthest_group, [Screen(screen(2.0).table.assign(groups=0), 2.0, np.ones(9))], "no group is large enough to be looked at"),
    (findings.farthest_group, [PAIR], "of 25 groups the one farthest from the overall rate is attr_a = 4 and attr_b = c, by 2.5 standard deviations, and 2 of 3 data sets with a shuffled label have one as far out"),
    (findings.farthest_group, [SIGN_IN_A_LEVEL], "of 5 groups the one farthest from the overall rate is 2 \N{MULTIPLICATION SIGN} 2 of attr_a, by 2.5 standard deviations, and none of 3 data sets with a shuffled label have one as far out"),
    (findings.screened, [screen(3.99)], "1 of 199 data sets with a shuffled label has one as far out"),
    (findings.intervals_seen, [20, 2, SHUFFLED * 10], "2 of 20 intervals exclude the overall rate; with a shuffled label there are 10 on average, and at least as many in 50 % of shuffles"),
    (findings.intervals_seen, [1200, 3, SHUFFLED], "3 of 1200 intervals exclude the overall rate; with a shuffled label there are 1 on average, and at least as many in 25 % of shuffles"),
    (findings.prior_allows, [np.linspace(0, 1, 101), 0.025], "before seeing data, the model considers any overall rate from 2 % to 98 % possible (95 % interval); the observed one, 2.5 %, lies inside, with 3 % of the prior below it"),
    (findings.prior_allows, [np.linspace(0, 1, 101), 0.975], "before seeing data, the model considers any overall rate from 2 % to 98 % possible (95 % interval); the observed one, 97.5 %, lies inside, with 97 % of the prior below it"),
    (findings.prior_allows, [np.linspace(0, 1, 101), 0.98], "before seeing data, the model considers any overall rate from 2 % to 98 % possible (95 % interval); the observed one, 98.0 %, lies outside, with 97 % of the prior below it"),
    (findings.extremes, [np.array([0.009, 0.01, 0.5, 0.99]), np.array([0.009, 0.991, 0.5, 0.5, 0.5])], "a probability below 1 % or above 99 % has a chance of 25 %, and would have one of 40 % under a prior ten times as wide"),
    (findings.prior_spread, [{"attr_a": np.linspace(0, 1, 1001), "attr_b": np.linspace(0.1, 0.3, 1001)}], "2 to 98 percentage points between levels of attr_a and 11 to 30 percentage points between levels of attr_b (95 % intervals)"),
    (findings.gates, [{"ess_bulk_min": 1413.4, "ess_tail_min": 812.6, "rhat_max": 1.00712}], "the worst r_hat is 1.0071 (limit 1.01) and the smallest effective sample size 813 (limit 400)"),
    (findings.gates, [{"ess_bulk_min": 512.4, "ess_tail_min": 812.6, "rhat_max": 1.0, "n_divergences": 0, "bfmi_min": 0.876}], "the worst r_hat is 1.0000 (limit 1.01), the smallest effective sample size 512 (limit 400), there was no divergence and the lowest E-BFMI is 0.88 (limit 0.3)"),
    (findings.chains, [pd.Series({"a": 0.5, "b": 0.005})], "the smallest of the 2 p-values is 0.005 (b), which is no sign that they disagree"),
    (findings.chains, [pd.Series({"a": 0.5, "b": 0.0049})], "the smallest of the 2 p-values is 0.005 (b), which is a sign that they do not quite agree"),
    (findings.energy, [{"energy": np.array([-2.0, 2]), "change": np.array([-1.0, 1])}], "the changes (1.0 nats) are not much narrower than the whole (2.0; standard deviations)"),
    (findings.energy, [{"energy": np.array([-2.0, 2]), "change": np.array([-0.99, 0.99])}], "the changes (1.0 nats) are much narrower than the whole (2.0; standard deviations)"),
    (findings.odds_ratios, [pd.DataFrame({"low": [0.9, 1.01], "middle": [1.0, 1.1], "high": [1.1, 1.2]}, index=["a", "b"])], "a 1.000 (0.900 to 1.100) and b 1.100 (1.010 to 1.200)"),
    (findings.spreads, [{"these": np.linspace(0, 1, 1001), "those": np.linspace(1, 2, 1001)}], "these 0.5 (0.025 to 0.97) and those 1.5 (1 to 2)"),
    (findings.pooling, [{"attr": replication(300), "other": replication(200)}], "the rates of attr span 20.0 percentage points raw and 0.0 pooled and the rates of other span 10.0 percentage points raw and 0.0 pooled; attr = b moved most, by 20.0 points"),
    (findings.replicated, [[replication(100), replication(300)]], "3 of 4 observed rates lie inside the 95 % interval of simulated data"),
    (findings.replicated, [[OUTSIDE]], "none of 1 observed rates lie inside the 95 % interval of simulated data"),
    (findings.discrepancy, [discrepancies(5)], "5 of 100 data sets simulated from the model have a group of clients as far off as the data"),
    (findings.discrepancy, [discrepancies(4)], "4 of 100 data sets simulated from the model have a group of clients as far off as the data"),
    (findings.residuals, [{"a": replication(300).residuals, "b": replication(300).residuals}], "2 of 4 residuals lie outside, where at most about 0.2 would by chance"),
    (findings.residuals, [{"a": pd.concat([replication(100).residuals] * 150)}], "none of 300 residuals lie outside, where at most about 15 would by chance"),
    (findings.recalibrated, [reliability(0.4, 0.05)], "the recalibrated curve leaves the band for 40 % of the clients; curves of right probabilities do so for as many in 5 % of simulations"),
    (findings.recalibrated, [reliability(0.4, 0.049)], "the recalibrated curve leaves the band for 40 % of the clients; curves of right probabilities do so for as many in 5 % of simulations"),
    (findings.sensitivity, [sensitivities(0.05)], "the largest sensitivity to the prior is 0.050 (sd); sd is above the limit of 0.05"),
    (findings.sensitivity, [sensitivities(0.049)], "the largest sensitivity to the prior is 0.049 (sd); none is above the limit of 0.05"),
    (findings.sensitivity, [pd.DataFrame({"prior": [0.3, 0.2]}, index=["1|attr_a_sigma", "1|attr_b[c]"])], "the largest sensitivity to the prior is 0.300 (spread of attr_a); spread of attr_a and attr_b = c are above the limit of 0.05"),
    (findings.measured_gain, [GAIN], "+90.0 nats over all 1,000 clients (standard error 3.0)"),
    (findings.measured_gain, [TINY], "+3.5 nats over all 1,000 clients (standard error 1.2)"),
    (findings.largest_khat, [khats([0.2, 0.41], [0.1, 0.3])], "the largest k-hat is 0.41 (none), and no estimate is above the limit of 0.7"),
    (findings.largest_khat, [khats([0.2, 0.41], [0.1, 0.83])], "the largest k-hat is 0.83 (groups), and 3 estimates are above the limit of 0.7"),
    (findings.largest_khat, [khats([0.9, 0.8], [0.7, 0.71])], "the largest k-hat is 0.90 (none), and 9 estimates are above the limit of 0.7"),
    (findings.where_it_gains, [strategies(1, 0, -1), ends], "the 95 % band of what is gained over treating all clients alike lies above zero where from 0.1 to 0.1"),
    (findings.where_it_gains, [strategies(-1, 1, -1, 1, -1), ends], "the 95 % band of what is gained over treating all clients alike lies above zero, in places, where from 0.2 to 0.4"),
    (findings.ones_predicted, [pd.Series([0.6, 0.6, 0.1]), 0.125], "2 clients of 3 get a 1, with a probability above 12.5 %"),
    (findings.outcomes_seen, [OUTCOMES, 0.09], "at a threshold of 9.0 %, the overall rate, 15.0 % of the clients predicted as 1 are 1; of clients chosen at random, 9.0 % would be"),
    (findings.outcomes_seen, [OUTCOMES, 0.2], "at a threshold of 20.0 %, the overall rate, 37.5 % of the clients predicted as 1 are 1; of clients chosen at random, 20.0 % would be"),
    (findings.outcomes_seen, [OUTCOMES, 0.55], "at a threshold of 55.0 %, the overall rate, nobody is predicted as 1"),
    (findings.even_costs, [0.35], "35.0 % of the clients are positive, so that only a client far above the average is predicted as 1. This is not a defect: predicting 1 for a client who is more likely to be 0 would be mistaken more often than right"),
    (findings.even_costs, [0.36], "36.0 % of the clients are positive, so that a client near the average may be predicted as either"),
    (findings.even_costs, [0.64], "64.0 % of the clients are positive, so that a client near the average may be predicted as either"),
    (findings.even_costs, [0.65], "65.0 % of the clients are positive, so that only a client far below the average is predicted as 0. This is not a defect: predicting 0 for a client who is more likely to be 1 would be mistaken more often than right"),
    (findings.measured_differences, [scores((1, 3)), "rate", "the overall rate"], "beside the overall rate, trees +1.0 nats (standard error 3.0)"),
    (findings.measured_differences, [scores((768.1, 39), (-9.0, 2.5)), "rate", "it"], "beside it, trees +768.1 nats (standard error 39.0) and ridge \N{MINUS SIGN}9.0 nats (standard error 2.5)"),
    (findings.best_tenth, [[1, 0, 1, 0, 0, 0, 0, 0, 0, 0], pd.Series(np.linspace(0.9, 0.1, 10))], "of the 1 client with the highest probability, 1 has label 1; of as many taken blindly, 0.2 would"),
    (findings.best_tenth, [np.arange(1000) % 4 == 0, pd.Series(np.linspace(0.1, 0.9, 1000))], "of the 100 clients with the highest probability, 25 have label 1; of as many taken blindly, 25 would"),
    (findings.best_tenth, [np.zeros(20), pd.Series(np.linspace(0.1, 0.9, 20))], "of the 2 clients with the highest probability, none have label 1; of as many taken blindly, 0.0 would"),
    (findings.farthest, [pd.DataFrame({"low": [-0.4, 0.1], "middle": [-0.25, 0.2], "high": [-0.1, 0.3]}, index=["attr_b = a", "attr_b = b"])], "of 2 effects, that of attr_b = a is farthest from zero: \N{MINUS SIGN}0.25 (\N{MINUS SIGN}0.40 to \N{MINUS SIGN}0.10)"),
    (findings.seen, [Planted(pd.DataFrame({"seen": [0.05, 0.9]}, index=[1.0, 1.6543]), 20)], "the fit saw an odds ratio of 1 per standard deviation in 1 of 20 tables and an odds ratio of 1.65 per standard deviation in 18 of 20 tables"),
    (findings.averages, [pd.DataFrame({"low": [0.01, -0.034], "middle": [0.02, -0.0312], "high": [0.03, 0.001], "start": [0.1, "a"], "end": [0.9, "d"]}, index=["scd_a", "attr_b"])], "scd_a from 0.1 to 0.9: +2.0 points (1.0 to 3.0); attr_b from a to d: \N{MINUS SIGN}3.1 points (\N{MINUS SIGN}3.4 to 0.1)"),
]
# fmt: on


@pytest.mark.parametrize(("say", "of", "sentence"), SENTENCES)
def test_a_sentence_says_what_its_numbers_say(say, of, sentence):
    assert say(*of) == sentence


def test_every_sentence_of_the_book_is_read_somewhere_here():
    assert {say.__name__ for say, _, _ in SENTENCES} | {"data_faults"} == set(findings.__all__)


@pytest.mark.parametrize(
    ("missing", "repeated", "faults", "expected"),
    [
        (0, 0, 0, "no missing value, no repeated key, no fault in the histories"),
        (2, 0, 1, "the checks found 2 missing values and 1 fault in the histories"),
        (0, 1, 3, "the checks found 1 repeated key and 3 faults in the histories"),
    ],
)
def test_faults_of_the_data_are_counted_by_kind(missing, repeated, faults, expected):
    inventory = pd.DataFrame({"missing": [missing], "repeated": [repeated]})

    assert findings.data_faults(inventory, pd.Series([faults])) == expected
