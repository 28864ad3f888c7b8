"""Figures made by hand, for sentences that say them."""

import numpy as np
import pandas as pd

from book.exploration import CROSS, Screen
from data_science.evaluation.calibration import Reliability
from data_science.evaluation.comparison import Comparison, Difference
from data_science.evaluation.decision_curve import Strategies
from data_science.evaluation.loo import Loo
from data_science.evaluation.replication import Replication

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


TWO_KEYS = pd.DataFrame(
    [[7, "May", "value", 1, 2]], columns=["store", "month", "column", "rebuilt", "stored"]
)

TWO_YEARS = pd.DataFrame({2020: [4.0, 6.0, 1.0], 2021: [2.0, np.nan, 2.0]}, index=[3, 5, 9])

PAIR = Screen(
    pd.DataFrame(
        {"groups": [5, 20], "level": ["2", f"4{CROSS}c"], "deviation": [1.0, 2.5]},
        index=["attr_a", f"attr_a{CROSS}attr_b"],
    ),
    2.5,
    np.array([2.4, 2.5, 2.6]),
)

SIGN_IN_A_LEVEL = Screen(
    pd.DataFrame({"groups": [5], "level": [f"2{CROSS}2"], "deviation": [2.5]}, index=["attr_a"]),
    2.5,
    np.zeros(3),
)

MANY = pd.DataFrame(index=["scd_a", "scd_b", "attr_a", "attr_b"])

OUTSIDE = Replication(
    pd.Index(["a"]),
    np.full(1, 1_000.0),
    np.array([300.0]),
    np.full((9, 1), 100.0),
    np.full((9, 1), 90.0),
    np.full((9, 1), 100.0),
)

OUTCOMES = pd.DataFrame(
    {"threshold": [0.1, 0.25, 0.5], "predicted 1": [40, 8, 0], "of them right": [6, 3, 0]},
    index=["low", "middle", "half"],
)


def discrepancies(n_as_far):
    """Return a hundred draws of which ``n_as_far`` are as far off as the data."""
    return pd.DataFrame({"observed": 2.0, "replicated": np.where(np.arange(100) < n_as_far, 2.0, 1.9)})


def khats(*of_candidates):
    """Return a comparison of candidates with these k-hats, each of a node for three clients."""
    loos = {
        name: Loo(np.zeros(2), np.zeros(2), np.full(2, 3.0), 6, np.array(khat))
        for name, khat in zip(("none", "groups"), of_candidates, strict=True)
    }
    return Comparison(loos, {}, {})
