"""Sentences say what the numbers say, whichever way they turn out."""

import numpy as np
import pandas as pd
import pytest

from data_science.judgement.comparison import Difference
from data_science.study import findings
from data_science.study.calibration import Reliability
from data_science.study.decision_curve import Strategies
from data_science.study.exploration import Screen
from data_science.study.replication import Replication

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
    return Reliability(curve, 0.0, 0.0, 0.1, chance)


def strategies(*gains: float) -> Strategies:
    table = pd.DataFrame({"low": gains, "middle": gains, "high": gains}, index=[0.1, 0.2])
    return Strategies(table, table, table, table)


def scores(difference: float, se: float) -> pd.DataFrame:
    return pd.DataFrame({"difference": [0.0, difference], "se": [0.0, se]}, index=["rate", "trees"])


def intervals(*rows: tuple[float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["q5", "q95"], index=["scd_a", "scd_b"][: len(rows)])


def sensitivities(prior: float) -> pd.DataFrame:
    return pd.DataFrame({"prior": [0.01, prior], "likelihood": 0.1}, index=["scd_a", "sd"])


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        (
            findings.follows_from_sources("t", NOTHING, 1_000),
            "exactly what its sources give, in all of its 1,000",
        ),
        (findings.follows_from_sources("t", ONE, 1_000), "in 1 cell, first in scd_b of idx 7"),
        (findings.chance_explains(screen(2.0)), "so that chance explains it"),
        (findings.chance_explains(screen(5.0)), "only 0.5 % of data sets"),
        (findings.intervals_seen(intervals((0, 1), (0, 1)), 0.09, 0), "no interval of 2 leave out"),
        (findings.intervals_seen(intervals((0, 1), (0, 1)), 0.09, 1), "1 interval of 2 leaves out"),
        (findings.effects(intervals((-1, 1), (-1, 2))), "every one of the 2 intervals contains zero"),
        (findings.effects(intervals((0.1, 1), (-1, 2))), "1 of 2 intervals leaves out zero: scd_a"),
        (findings.effects(intervals((0.1, 1), (-2, -1))), "leave out zero: scd_a and scd_b"),
        (findings.replicated([replication(100)]), "2 of 2 observed rates lie inside"),
        (findings.replicated([replication(300)]), "1 of 2 observed rates lie inside"),
        (findings.discrepancy(replication(100)), "leaves nothing to see"),
        (findings.discrepancy(replication(300)), "0 % of simulated data sets"),
        (findings.discrepancy(replication(300)), "does not describe this margin"),
        (findings.pooling(replication(300)), "moved most is b, by 20.00"),
        (findings.residuals({"a": replication(100).residuals}), "none of 2 residuals lie outside"),
        (findings.residuals({"a": replication(300).residuals}), "1 of 2 residuals lies outside"),
        (findings.calibrated(reliability(0.06, 0.4)), "come true, as far as these data can tell"),
        (findings.calibrated(reliability(0.4, 0.01)), "do not come true: the curve leaves the band for 40 %"),
        (findings.sensitivity(sensitivities(0.02)), "no conclusion hangs on the priors"),
        (findings.sensitivity(sensitivities(0.2)), "sd pass the limit"),
        (findings.beats("m", "r", Difference(1.0, 3.0, 1_000)), "no better and no worse"),
        (
            findings.beats("m", "r", Difference(90.0, 3.0, 1_000)),
            "m predicts better than r: +90.0 nats (SE 3.0)",
        ),
        (findings.beats("m", "r", Difference(-90.0, 3.0, 1_000)), "m predicts worse than r"),
        (findings.beats("m", "r", Difference(float("nan"), 3.0, 1_000)), "no better and no worse"),
        (findings.best_method(scores(9, 2), "rate"), "trees predicts better"),
        (findings.best_method(scores(-9, 2), "rate"), "trees predicts worse"),
        (findings.best_method(scores(9, 5), "rate"), "no method differs by a measurable amount"),
        (findings.best_method(scores(3.9, 0.1), "rate"), "no method differs by a measurable amount"),
        (findings.worth(strategies(-1, 0), "threshold"), "at no threshold"),
        (
            findings.worth(strategies(-1, 1), "threshold"),
            "at 1 of 2 values of the threshold, from 0.2 to 0.2",
        ),
        (findings.ones_predicted(pd.Series([0.1, 0.2]), 0.5), "every client gets a 0"),
        (findings.ones_predicted(pd.Series([0.1, 0.6]), 0.5), "1 client of 2 lies above 50.0 %"),
        (
            findings.use(Difference(1.0, 3.0, 9), 0.09),
            "expensive way of saying that every client has about 9.0 %",
        ),
        (findings.use(Difference(3.0, 1.0, 9), 0.09), "expensive way"),
        (findings.use(Difference(90.0, 3.0, 9), 0.09), "better than chance"),
        (findings.use(Difference(-90.0, 3.0, 9), 0.09), "do not use it"),
        (findings.prior_allows(np.full(9, 0.5), np.full(9, 0.999)), "would put 100 % there"),
        (findings.beside_shuffled(0, 2, 20), "none in the data and 2 with the shuffled label"),
    ],
)
def test_a_sentence_says_what_its_numbers_say(sentence, part):
    assert part in sentence


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
