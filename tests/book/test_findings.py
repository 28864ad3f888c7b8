"""Sentences say what the numbers say, whichever way they turn out."""

import numpy as np
import pandas as pd
import pytest

from book.exploration import Screen
from data_science.evaluation.calibration import Reliability
from data_science.evaluation.comparison import Difference
from data_science.evaluation.decision_curve import Strategies
from data_science.evaluation.discrimination import Concordance
from data_science.evaluation.replication import Replication
from data_science.report import findings

NOTHING = pd.DataFrame(columns=["idx", "column", "rebuilt", "stored"])
ONE = pd.DataFrame([[7, "scd_b", 1, 2]], columns=NOTHING.columns)


def screen(observed: float) -> Screen:
    table = pd.DataFrame({"groups": [5], "level": ["2"], "deviation": [observed]}, index=["attr_a"])
    return Screen(table, observed, np.linspace(1, 4, 199))


def replication(observed: float) -> Replication:
    rng = np.random.default_rng(1)
    expected = np.full((200, 2), 100.0)
    replicated = rng.normal(expected, 9.5)
    names = pd.Index(["a", "b"])
    return Replication(
        names, np.full(2, 1_000.0), np.array([100.0, observed]), expected, expected * 0.9, replicated
    )


def reliability(outside: float, chance: float) -> Reliability:
    n = 100
    observed = np.where(np.arange(n) < outside * n, 0.9, 0.1)
    curve = pd.DataFrame({"low": 0.05, "high": 0.2, "observed": observed}, index=np.linspace(0, 1, n))
    return Reliability(curve, 0.0, 0.0, 0.1, chance, (0.0, 0.0, 0.1))


def strategies(*gains: float) -> Strategies:
    index = np.linspace(0.1, 0.1 * len(gains), len(gains))
    table = pd.DataFrame({"low": gains, "middle": gains, "high": gains}, index=index)
    return Strategies(table, table, table, table)


def scores(*measured: tuple[float, float]) -> pd.DataFrame:
    rows = [(0.0, 0.0), *measured]
    return pd.DataFrame(rows, columns=["difference", "se"], index=["rate", "trees", "ridge"][: len(rows)])


def effects(*clear: bool) -> pd.DataFrame:
    return pd.DataFrame({"clear": clear}, index=["scd_a", "scd_b"][: len(clear)])


def sensitivities(prior: float) -> pd.DataFrame:
    return pd.DataFrame({"prior": [0.01, prior], "likelihood": 0.1}, index=["scd_a", "sd"])


def ends(low: float, high: float) -> str:
    return f"from {low:.1f} to {high:.1f}"


SHUFFLED = np.array([0, 0, 1, 3])
SOLD = pd.Series([6.0, 2.0], ["Lyon", "Aarhus"])
MONTHS = pd.DataFrame({2020: [4.0, np.nan, 8.0]}, index=[1, 2, 12])
PROBABILITY = pd.Series([0.1, 0.2])
NOISE, TINY, GAIN, LOSS = (
    Difference(*measured, 1_000) for measured in ((1.0, 3.0), (3.5, 1.2), (90.0, 3.0), (-90.0, 3.0))
)
OPINION = {"distance_in_sds": 0.03, "worst": "1|attr_a[3]", "distance_in_mcse": 2.1, "limit_in_mcse": 4.5}


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        (findings.follows_from_sources("t", NOTHING, 1_000), "what its sources give, in all of its 1,000"),
        (findings.follows_from_sources("t", ONE, 1_000), "in 1 place, first in scd_b of idx 7"),
        (findings.follows_from_sources("t", ONE.assign(column="(row)"), 9), "not having, a row for idx 7"),
        (findings.clients_lost(pd.Series({"without a label": 0}), 9), "every one of the 9 clients"),
        (findings.clients_lost(pd.Series({"without a label": 2}), 9), "2 without a label are left out"),
        (findings.stores_seen(SOLD), "of 2 stores, Lyon sells most in a month, 3.0 times what Aarhus sells"),
        (findings.stores_seen(SOLD[:1]), "the only store is Lyon"),
        (findings.months_seen(MONTHS), "December is the strongest month, 2.0 times January"),
        (findings.months_seen(MONTHS[:1]), "too few months"),
        (findings.chance_explains(screen(2.0)), "no group stands out: of 5 groups"),
        (findings.chance_explains(screen(2.0)), "attr_a = 2, by 2.0 standard deviations, and 133 of 199"),
        (findings.chance_explains(screen(5.0)), "some groups differ by more than chance"),
        (findings.chance_explains(screen(5.0)), "none of 199 data sets with a shuffled label have one"),
        (findings.chance_explains(screen(4.0)), "1 of 199 data sets with a shuffled label has one"),
        (findings.intervals_seen(20, 0, SHUFFLED), "none of 20 intervals leave out"),
        (findings.intervals_seen(20, 1, SHUFFLED), "1 of 20 intervals leaves out"),
        (findings.intervals_seen(20, 1, SHUFFLED), "there are 1 on average, and at least as many in 50 %"),
        (findings.prior_allows(np.linspace(0, 1, 101), 0.1), "from 2 % to 98 % possible"),
        (
            findings.prior_allows(np.linspace(0, 1, 101), 0.1),
            "10.0 %, lies inside, with 10 % of the prior below",
        ),
        (findings.prior_allows(np.linspace(0.4, 0.6, 101), 0.1), "lies outside, with 0 % of the prior below"),
        (findings.extremes(np.full(9, 0.5), np.full(9, 0.999)), "would have one of 100 % under"),
        (findings.second_opinion(OPINION), "0.030 of a posterior standard deviation (attr_a = 3)"),
        (findings.second_opinion(None), "no second opinion on this fit: none was asked for"),
        (findings.second_opinion(None, "k-hat 0.9."), "no second opinion on this fit: k-hat 0.9."),
        (findings.chains(pd.Series({"a": 0.5, "b": 0.01})), "0.010 (b), which is no sign that they disagree"),
        (findings.chains(pd.Series({"a": 0.5, "b": 0.001})), "a sign that they do not quite agree"),
        (
            findings.energy({"energy": np.array([-1.0, 1]), "change": np.array([-1.0, 1])}),
            "not much narrower",
        ),
        (
            findings.energy({"energy": np.array([-4.0, 4]), "change": np.array([-1.0, 1])}),
            "are much narrower",
        ),
        (
            findings.effects(effects(False, False)),
            "no effect is clearly there once one allows for looking at 2",
        ),
        (findings.effects(effects(True, False)), "of 2 effects, 1 is clearly there"),
        (findings.effects(effects(True, True)), "every effect is clearly there"),
        (findings.spreads({"these": np.full(9, 0.25)}), "these 0.25 (0.25 to 0.25)"),
        (findings.replicated([replication(100)]), "all 2 observed rates lie inside"),
        (findings.replicated([replication(300)]), "1 of 2 observed rates lies inside"),
        (findings.discrepancy(replication(100).discrepancy), "no group of clients is further off"),
        (findings.discrepancy(replication(300).discrepancy), "than the model can explain: only 0 %"),
        (findings.pooling({"attr": replication(300)}), "attr = b moved most, by 20.00"),
        (findings.pooling({"attr": replication(300)}), "span 20.0 percentage points raw and 0.0 pooled"),
        (findings.residuals({"a": replication(100).residuals}), "none of 2 residuals lie outside"),
        (findings.residuals({"a": replication(300).residuals}), "1 of 2 residuals lies outside"),
        (findings.calibrated(reliability(0.06, 0.4)), "come true, as far as these data can tell"),
        (findings.calibrated(reliability(0.4, 0.01)), "do not come true: the recalibrated curve leaves the"),
        (findings.sensitivity(sensitivities(0.02)), "none of these quantities hangs on the priors"),
        (findings.sensitivity(sensitivities(0.2)), "sd exceeds the limit"),
        (
            findings.answer(NOISE, scores((1, 3)), "rate", 0.09),
            "no: with the features the model predicts no better",
        ),
        (
            findings.answer(TINY, scores((3, 1)), "rate", 0.09),
            "no: with the features the model predicts no better",
        ),
        (
            findings.answer(LOSS, scores((1, 3)), "rate", 0.09),
            "no: with the features the model predicts worse",
        ),
        (findings.answer(GAIN, scores((1, 3)), "rate", 0.09), "yes: with the features"),
        (
            findings.answer(NOISE, scores((90, 3)), "rate", 0.09),
            "yes, but not to this model: trees predicts better",
        ),
        (
            findings.measured_gain(NOISE),
            "+1.0 nats over all 1,000 clients (standard error 3.0), which cannot be",
        ),
        (
            findings.measured_gain(LOSS),
            "\N{MINUS SIGN}90.0 nats over all 1,000 clients (standard error 3.0), 30",
        ),
        (findings.measured_gain(Difference(float("nan"), 3.0, 9)), "cannot be told from zero"),
        (
            findings.concordant(Concordance(0.4, 0.5, 0.6)),
            "in 50.0 % of pairs (95 % interval 40.0 % to 60.0 %)",
        ),
        (findings.spread_out(PROBABILITY), "between 10.1 % and 20.0 %"),
        (findings.verdict(NOISE), "add nothing that can be measured"),
        (findings.verdict(TINY), "add nothing that can be measured"),
        (findings.verdict(GAIN), "improve predictions"),
        (findings.verdict(LOSS), "make predictions worse"),
        (findings.best_method(scores((9, 2)), "rate"), "trees predicts better than rate"),
        (
            findings.best_method(scores((-9, 2)), "rate"),
            "no method predicts better, and trees predicts worse",
        ),
        (findings.best_method(scores((9, 2), (9, 2)), "rate", "it"), "every method predicts better than it"),
        (findings.best_method(scores((-9, 2), (-9, 2)), "rate"), "every method predicts worse than rate"),
        (findings.best_method(scores((9, 5)), "rate"), "no method predicts measurably better or worse"),
        (findings.best_method(scores((3.9, 0.1)), "rate"), "no method predicts measurably better or worse"),
        (
            findings.worth(strategies(-1, 0), ends),
            "nowhere better than treating all clients alike, by more than chance shows, where from 0.1",
        ),
        (findings.worth(strategies(-1, 1, 1), ends), "all clients alike where from 0.2 to 0.3"),
        (findings.worth(strategies(1, -1, 1), ends), "all clients alike, in places, where from 0.1 to 0.3"),
        (findings.ones_predicted(PROBABILITY, 0.5), "every client gets a 0: the highest"),
        (findings.ones_predicted(PROBABILITY, 0.2), "every client gets a 0: the highest"),
        (
            findings.ones_predicted(pd.Series([0.1, 0.6]), 0.5),
            "1 client of 2 gets a 1, with a probability above 50 %",
        ),
        (findings.even_costs(0.09), "far above the average is predicted as 1"),
        (findings.even_costs(0.91), "far below the average is predicted as 0"),
        (findings.even_costs(0.42), "may be predicted as either"),
        (findings.use(NOISE, PROBABILITY, 0.09, reliability(0, 0.5)), "not shown to help"),
        (findings.use(TINY, PROBABILITY, 0.09, reliability(0, 0.5)), "not shown to help"),
        (findings.use(GAIN, PROBABILITY, 0.09, reliability(0, 0.5)), "use its probabilities"),
        (findings.use(GAIN, PROBABILITY, 0.09, reliability(0.4, 0.01)), "use their order"),
        (findings.use(LOSS, PROBABILITY, 0.09, reliability(0, 0.5)), "do not use it"),
    ],
)
def test_a_sentence_says_what_its_numbers_say(sentence, part):
    assert part in sentence


@pytest.mark.parametrize("gain", [NOISE, TINY, GAIN, LOSS, Difference(-3.5, 1.2, 1_000)])
def test_the_chapters_do_not_contradict_each_other(gain):
    methods = scores((gain.elpd, gain.se))
    said_to_help = {
        "1": findings.answer(gain, methods, "rate", 0.09).startswith("yes"),
        "1, figure": "predicts better than"
        in findings.best_method(methods, "rate").replace("no method predicts better", ""),
        "8": "improve" in findings.verdict(gain),
        "10": "tells clients apart" in findings.use(gain, PROBABILITY, 0.09, reliability(0, 0.5)),
    }

    assert len(set(said_to_help.values())) == 1, said_to_help


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
