"""The data set to try the package on has the effects, the rate and the shares of the stand-in company."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from data_science import examples

SQL = Path(__file__).parents[2] / "de/sql"
N = 200_000


def test_the_effects_are_those_that_the_stand_in_company_states():
    entries = re.findall(r"\('([^']+)', (NULL|'\w+'), (-?[0-9.]+)\)", (SQL / "labels_signal.sql").read_text())
    stated = {(term, level.strip("'")): float(value) for term, level, value in entries}

    assert stated == {
        ("Intercept", "NULL"): examples.INTERCEPT,
        ("scd_a", "NULL"): examples.SCD_A,
        ("scd_b", "NULL"): examples.SCD_B,
        **{("1|attr_a", str(level)): effect for level, effect in examples.ATTR_A.items()},
        **{("1|attr_b", level): effect for level, effect in examples.ATTR_B.items()},
    }


def test_labels_follow_the_effects_where_there_is_a_signal_and_one_rate_where_there_is_none():
    frame, noise = examples.clients(N), examples.clients(N, signal=False)

    assert frame.drop(columns="label").equals(noise.drop(columns="label"))
    eta = -3.4 + 1.2 * frame["scd_a"] + 0.15 * frame["scd_b"]
    p = expit(eta + frame["attr_a"].map(examples.ATTR_A) + frame["attr_b"].map(examples.ATTR_B))
    for column in ("attr_a", "attr_b", "scd_b"):
        excess = (frame["label"] - p).groupby(frame[column]).sum()
        assert (excess.abs() < 4.5 * np.sqrt((p * (1 - p)).groupby(frame[column]).sum())).all()
    assert noise["label"].mean() == pytest.approx(0.091, abs=4 * np.sqrt(0.091 * 0.909 / N))


@pytest.mark.parametrize(
    ("column", "shares"),
    [
        ("attr_a", [0.5, 0.05, 0.1, 0.15, 0.2]),
        ("attr_b", [0.1, 0.2, 0.3, 0.4]),
        ("scd_b", [0.2] * 5),
    ],
)
def test_levels_have_the_companys_shares(column, shares):
    found = examples.clients(N)[column].value_counts(normalize=True).sort_index()

    assert found.to_numpy() == pytest.approx(shares, abs=0.006)
