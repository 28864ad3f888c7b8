"""How long a wait lasts and what it says, on a clock of our own."""

import logging
import math
import re
from collections.abc import Iterator

import pytest

from data_science.database.obstacles import NotReadyError, Obstacle
from data_science.database.waiting import Patience, persist
from data_science.errors import DatabaseError, SettingsError

MISSING = Obstacle("missing", "there is no table", "Run the ETLs")
EMPTY = Obstacle("empty", "the table is empty", "Fill it")
REFUSED = Obstacle("password", "wrong password", "Correct it", login=True)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps.append(seconds)


def wait(clock: Clock, looks: Iterator[Obstacle | None], wait_timeout_s: float | None) -> str:
    def look(limit_s: float) -> str:
        obstacle = next(looks)
        if obstacle is not None:
            raise NotReadyError(obstacle)
        return "ready"

    return persist(look, "the table", wait_timeout_s, Patience(clock=clock, sleep=clock.sleep))


def forever(obstacle: Obstacle) -> Iterator[Obstacle]:
    while True:
        yield obstacle


def until(clock: Clock, moment_s: float, obstacle: Obstacle) -> Iterator[Obstacle]:
    while clock.now < 1000 + moment_s:
        yield obstacle


def test_what_is_ready_at_once_is_returned_without_a_word(caplog):
    clock = Clock()

    with caplog.at_level(logging.INFO):
        assert wait(clock, iter([None]), None) == "ready"

    assert not clock.sleeps
    assert not caplog.messages


def test_a_wait_that_was_not_in_vain_says_how_long_it_took(caplog):
    clock = Clock()

    def looks() -> Iterator[Obstacle | None]:
        yield from until(clock, 90, MISSING)
        yield None

    with caplog.at_level(logging.INFO):
        assert wait(clock, looks(), None) == "ready"

    assert caplog.messages[-1] == f"the table is ready after {clock.now - 1000:.0f} s"
    assert sum("is ready" in message for message in caplog.messages) == 1


@pytest.mark.parametrize(("wait_timeout_s", "first"), [(None, ""), (30.0, " (giving up in 30 s)")])
def test_an_announcement_says_how_long_was_waited_and_how_long_there_is_left(caplog, wait_timeout_s, first):
    clock = Clock()

    def looks() -> Iterator[Obstacle | None]:
        yield MISSING
        clock.now = 1007.0
        yield EMPTY
        yield None

    wait(clock, looks(), wait_timeout_s)

    left = ", giving up in 23 s" if wait_timeout_s else ""
    assert caplog.messages == [
        f"waiting for the table: there is no table. Run the ETLs{first}",
        f"waiting for the table: the table is empty. Fill it (waited 7 s{left})",
    ]


@pytest.mark.parametrize(("waited_s", "said"), [(0.9, ""), (1.0, " (waited 1 s)")])
def test_less_than_a_second_is_no_wait_to_speak_of(caplog, waited_s, said):
    clock = Clock()

    def looks() -> Iterator[Obstacle | None]:
        clock.now += waited_s
        yield EMPTY
        yield None

    wait(clock, looks(), None)

    assert caplog.messages == [f"waiting for the table: the table is empty. Fill it{said}"]


@pytest.mark.parametrize(
    ("wait_timeout_s", "given_s"), [(None, math.inf), (30.0, 30.0), (1.0, 2.0), (0.0, 2.0)]
)
def test_a_look_may_take_what_is_left_but_two_seconds_at_least(wait_timeout_s, given_s):
    clock = Clock()
    limits: list[float] = []

    persist(limits.append, "the table", wait_timeout_s, Patience(clock=clock, sleep=clock.sleep))

    assert limits == [given_s]


def test_a_refused_login_leaves_ten_minutes_from_the_first_refusal(caplog):
    clock = Clock()

    def looks() -> Iterator[Obstacle | None]:
        clock.now += 100
        yield REFUSED
        clock.now = 1161.0
        yield REFUSED
        yield None

    wait(clock, looks(), None)

    assert [message.partition(" (")[2] for message in caplog.messages] == [
        "waited 100 s, giving up in 600 s)",
        "waited 161 s, giving up in 539 s)",
    ]


def test_each_obstacle_is_said_once_when_it_comes(caplog):
    wait(Clock(), iter([MISSING] * 4 + [EMPTY] * 3 + [MISSING, None]), None)

    said = [re.sub(r" \(.*", "", message) for message in caplog.messages]
    assert said == [
        "waiting for the table: there is no table. Run the ETLs",
        "waiting for the table: the table is empty. Fill it",
        "waiting for the table: there is no table. Run the ETLs",
    ]


def test_an_obstacle_that_stays_is_said_again_every_minute(caplog):
    clock = Clock()

    def looks() -> Iterator[Obstacle | None]:
        yield from until(clock, 3600, MISSING)
        yield None

    assert wait(clock, looks(), None) == "ready"
    assert 55 <= len(caplog.messages) <= 61


def test_pauses_grow_to_a_few_seconds_with_jitter_and_no_further():
    clock = Clock()

    wait(clock, iter([MISSING] * 200 + [None]), None)

    assert clock.sleeps[0] < 1.2
    assert max(clock.sleeps) <= 5
    assert len(set(clock.sleeps[50:])) > 100


@pytest.mark.parametrize(("obstacle", "kind"), [(MISSING, DatabaseError), (REFUSED, SettingsError)])
def test_the_limit_ends_the_wait_to_the_second_with_the_last_obstacle(obstacle, kind):
    clock = Clock()

    with pytest.raises(kind, match=f"not be read within 30 s: {obstacle.what}. {obstacle.remedy}"):
        wait(clock, forever(obstacle), 30)

    assert clock.now == pytest.approx(1030)


def test_without_a_limit_a_refused_login_is_given_up_after_ten_minutes():
    clock = Clock()

    with pytest.raises(SettingsError, match="within 600 s: wrong password"):
        wait(clock, forever(REFUSED), None)


def test_hours_without_a_server_do_not_count_against_the_login():
    clock = Clock()

    def looks() -> Iterator[Obstacle]:
        yield from until(clock, 7200, MISSING)
        yield from until(clock, 7500, REFUSED)
        yield from until(clock, 8500, MISSING)
        yield from forever(REFUSED)

    with pytest.raises(SettingsError, match="wrong password"):
        wait(clock, looks(), None)
    assert clock.now == pytest.approx(1000 + 8500 + 600, abs=6)


def test_with_a_limit_of_zero_there_is_one_look():
    clock = Clock()

    with pytest.raises(DatabaseError, match="there is no table"):
        wait(clock, iter([MISSING]), 0)
    assert not clock.sleeps


def test_other_errors_end_the_wait_as_they_are():
    def look(limit_s: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        persist(look, "the table", None, Patience())
