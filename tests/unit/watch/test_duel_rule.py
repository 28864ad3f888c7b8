"""The rule of a duel, on made differences and by hand."""

import math

import numpy as np
import pytest

from data_science.watch.confidence_sequence import Sums, bounds
from data_science.watch.duel import Duel, Night, Rules
from data_science.watch.scoring import Answered, Known, night


def made(values, events=20.0, expected=0.0):
    values = np.asarray(values, dtype=float)
    return Night(values, np.zeros(len(values)), expected, 0.0, events, len(values))


def alternating(n, mean, sd=0.05):
    """Values of exactly this mean, and about this sd."""
    return mean + sd * np.where(np.arange(n) % 2, 1.0, -1.0)


def test_the_bounds_are_those_of_the_published_formula():
    sums = Sums().plus(np.array([0.0, 1.0] * 200))

    lower, upper = bounds(sums, alpha=0.05, n0=1_000.0)

    rho2 = (-2 * math.log(0.1) + math.log(1 - 2 * math.log(0.1))) / 1_000
    half = math.sqrt(2 * (400 * rho2 + 1) / (400**2 * rho2) * math.log(math.sqrt(400 * rho2 + 1) / 0.1))
    assert (lower + upper) / 2 == pytest.approx(0.5)
    assert (upper - lower) / 2 == pytest.approx(half * np.std([0.0, 1.0] * 200, ddof=1))


def test_sums_over_nights_are_those_of_all_at_once():
    values = np.random.default_rng(1).normal(size=300)

    by_night = Sums().plus(values[:100]).plus(values[100:150]).plus(values[150:])

    assert by_night.sd == pytest.approx(values.std(ddof=1))
    assert by_night.mean == pytest.approx(values.mean())


@pytest.mark.parametrize(
    ("mean", "outcome"),
    [(0.02, "promote"), (-0.02, "keep"), (0.0005, "not enough"), (0.0, "not enough")],
)
def test_a_clear_gain_promotes_a_clear_loss_keeps_and_anything_else_goes_on(mean, outcome):
    duel = Duel().after(made(alternating(2_000, mean)))

    assert duel.outcome == outcome
    assert duel.sentence.startswith(outcome)


def test_many_clients_without_a_gain_that_matters_keep_what_serves():
    duel = Duel().after(made(alternating(200_000, 0.0002)))

    assert duel.outcome == "keep"


def test_identical_versions_are_kept_at_the_first_look():
    assert Duel().after(made(np.zeros(100))).outcome == "keep"


@pytest.mark.parametrize(("n", "events"), [(99, 50.0), (5_000, 9.9)], ids=["few clients", "few events"])
def test_there_is_no_look_before_enough_clients_and_enough_events(n, events):
    duel = Duel().after(made(np.full(n, 1.0), events=events))

    assert (duel.outcome, duel.looks) == ("not enough", 0)
    assert "needed before the first look" in duel.sentence


def test_clients_that_are_all_alike_before_the_first_event_are_not_taken_for_certain():
    n, p, q = 300, np.full(300, 0.02), np.full(300, 0.01)
    known = Known(np.zeros(n), np.ones(n), np.arange(n))

    looked = night(Answered(p, np.zeros(n)), Answered(q, np.zeros(n)), known, 0.5)
    duel = Duel().after(looked)

    assert np.ptp(looked.score) == 0.0
    assert looked.score[0] > 0.0
    assert duel.score.sd == pytest.approx(np.sqrt(0.015 * 0.985) * np.log(0.02 / 0.98 / (0.01 / 0.99)))
    assert (duel.outcome, duel.looks) == ("not enough", 0)  # fewer events are expected than a look needs


def test_what_was_decided_stays_whatever_comes():
    decided = Duel().after(made(alternating(2_000, 0.02)))

    assert decided.after(made(np.full(5_000, -1.0))) is decided


def test_a_night_without_new_clients_is_no_look():
    before = Duel().after(made(alternating(500, 0.0)))

    assert before.after(made([], events=0.0)) == before


def test_bounds_only_close_in_from_look_to_look():
    duel, lows, highs = Duel(), [], []
    random = np.random.default_rng(3)
    for _ in range(20):
        duel = duel.after(made(random.normal(0.0, 0.1, 100)))
        lows.append(duel.lower)
        highs.append(duel.upper)

    assert lows == sorted(lows)
    assert highs == sorted(highs, reverse=True)


@pytest.mark.parametrize("duel", [Duel(), Duel(Rules(0.01, 0.1, 900)).after(made(alternating(500, 0.001)))])
def test_a_duel_is_the_same_after_it_was_stored(duel):
    assert Duel.from_json(duel.to_json()) == duel


@pytest.mark.parametrize("change", [{"outcome": "perhaps"}, {"rules": {}}, {"more": 1}, {"score": None}])
def test_what_is_no_record_of_a_duel_is_refused(change):
    document = Duel().to_json()
    document.update(change)
    if change == {"rules": {}}:
        document["rules"] = {"speed": 1}

    with pytest.raises(ValueError, match=r"no record|outcome"):
        Duel.from_json(document)


def test_how_many_more_clients_would_decide_is_right_if_they_are_like_those_seen():
    duel = Duel().after(made(alternating(1_000, 0.003)))
    more = duel.more_clients

    assert duel.outcome == "not enough"
    assert more is not None
    assert duel.after(made(alternating(more, 0.003))).outcome == "promote"
    assert duel.after(made(alternating(more // 2, 0.003))).outcome == "not enough"


def test_scores_are_summed_by_client_and_costs_count_labels_that_differ():
    p, q = np.array([0.2, 0.4, 0.6]), np.array([0.3, 0.3, 0.3])
    known = Known(np.array([1.0, 0.0, 2.0]), np.array([1.0, 1.0, 5.0]), np.array([0, 0, 1]))

    found = night(Answered(p, np.array([0, 0, 1.0])), Answered(q, np.zeros(3)), known, 0.25)

    by_hand = [np.log(0.3 / 0.2) + np.log(0.7 / 0.6), 2 * np.log(0.3 / 0.6) + 3 * np.log(0.7 / 0.4)]
    np.testing.assert_allclose(found.score, by_hand)
    # The champion's 1 costs 3 failures at 2 * 0.25, the candidate's 0 costs 2 successes at 2 * 0.75.
    np.testing.assert_allclose(found.cost, [0.0, 3 * 0.5 - 2 * 1.5])
    assert found.n_rows == 3
