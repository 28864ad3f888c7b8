"""How often a duel and a check are wrong, in worlds that are known; `benchmarks` prints the whole tables."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from benchmarks import checks, duels
from data_science.watch.check import Labelled, Seen, findings
from data_science.watch.reference import Answers

RUNS = 200
DUELS = {world.name: world for world in duels.WORLDS}
CHECKS = {world.name: world for world in checks.WORLDS}
NO_BETTER = [
    "equally good",
    "equally good, far apart",
    "worse by 3 nats",
    "inputs drift, equally good",
    "ten rows a client, equally good",
]
STILL_RIGHT = [
    "nothing changed, no labels",
    "nothing changed, ten rows a client",
    "unused input moved, no labels",
    "used input moved, still right",
]


def most(runs, rate=0.05):
    """Return the share that a rule of this error exceeds once in a thousand tests."""
    return binom.ppf(0.999, runs, rate) / runs


@pytest.mark.parametrize("name", NO_BETTER)
def test_a_candidate_that_is_no_better_is_promoted_in_five_of_a_hundred_duels_at_most(name):
    assert not DUELS[name].may_promote
    assert duels.rates(DUELS[name], 1_000, RUNS)["promote"] <= most(RUNS)


def test_a_candidate_that_is_much_better_is_promoted_and_fifty_labels_decide_nothing():
    better = duels.World("better by 40 nats", nats=40.0)

    assert duels.rates(better, 1_000, 50)["promote"] > 0.8
    assert duels.rates(better, 50, 50)["not enough"] == 1.0


@pytest.mark.parametrize("name", STILL_RIGHT)
def test_a_model_that_is_still_right_is_to_be_trained_again_in_five_of_a_hundred_checks_at_most(name):
    assert not CHECKS[name].has_effect
    assert checks.rates(CHECKS[name], 1_000, RUNS // 3)["moved with effect"] <= most(RUNS // 3)


@pytest.mark.parametrize(
    ("rate", "verdicts"), [(1.0, {"within", "unclear"}), (2.0, {"beyond"}), (0.2, {"beyond"})]
)
def test_of_rare_labels_too_a_rate_that_doubled_or_went_is_told_from_one_that_stayed(rate, verdicts):
    random = np.random.default_rng(5)
    p = 0.001 * np.exp(random.normal(0.0, 0.5, 200_000))
    y = (random.random(p.size) < rate * p).astype(float)
    rows = np.arange(p.size)
    nothing = Seen(pd.DataFrame(index=rows[:1]), Answers(p[:1], y[:1]), rows[:1])

    found = {one.what: one for one in findings(None, nothing, Labelled(p, y, rows), 0.5)}

    assert found["rate"].verdict in verdicts
    assert found["rate"].margin < 0.001
    assert found["log score"].margin < 0.001


def test_a_few_clients_with_many_labels_each_decide_nothing():
    p, client = np.full(6_000, 0.3), np.arange(6_000) % 6
    nothing = Seen(pd.DataFrame(index=client[:1]), Answers(p[:1], p[:1]), client[:1])

    (found,) = findings(None, nothing, Labelled(p, (client < 3).astype(float), client), 0.5)

    assert (found.about, found.verdict) == ("calibration", "unclear")
    assert "6 clients" in found.sentence


def test_a_model_that_became_wrong_is_found_and_drift_that_changes_nothing_is_told_apart():
    assert checks.rates(CHECKS["rate doubled"], 2_000, 20)["moved with effect"] > 0.9
    assert checks.rates(CHECKS["unused input moved, no labels"], 5_000, 20)["moved without effect"] > 0.9
