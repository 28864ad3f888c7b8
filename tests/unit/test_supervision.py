"""Blocking work that can be given up."""

import socket
import threading
import time

import pytest

from data_science.database.obstacles import NotReadyError
from data_science.database.supervision import Supervised
from data_science.database.waiting import Patience


def test_the_result_and_the_error_of_the_work_come_through():
    def fail() -> None:
        raise TimeoutError("from within")

    assert Supervised(Patience()).run(lambda: 7, limit_s=5) == 7
    with pytest.raises(TimeoutError, match="from within"):
        Supervised(Patience()).run(fail, limit_s=5)


def test_silence_beyond_the_limit_gives_up_and_wakes_the_work():
    near, far = socket.socketpair()
    woken = threading.Event()
    supervised = Supervised(Patience())

    def listen() -> None:
        supervised.connected(near.fileno())
        near.recv(1)
        woken.set()

    started = time.monotonic()
    with near, far, pytest.raises(NotReadyError, match="the server does not answer"):
        supervised.run(listen, limit_s=0.2)

    assert time.monotonic() - started < 2
    assert woken.wait(2)


def test_signs_of_life_extend_the_time():
    supervised = Supervised(Patience())

    def chatter() -> str:
        for _ in range(6):
            time.sleep(0.1)
            supervised.heard()
        return "done"

    assert supervised.run(chatter, limit_s=0.4) == "done"


def test_a_connection_that_opens_after_giving_up_is_cut_at_once():
    near, far = socket.socketpair()
    supervised = Supervised(Patience())
    supervised.run(lambda: None, limit_s=1)

    supervised.connected(near.fileno())

    with near, far:
        assert far.recv(1) == b""


def test_the_work_may_shorten_its_own_time():
    supervised = Supervised(Patience())

    def hurry() -> None:
        time.sleep(0.05)  # the other thread waits by now
        supervised.allow(0.1)
        time.sleep(3)

    with pytest.raises(NotReadyError, match="the server does not answer"):
        supervised.run(hurry, limit_s=60)


def test_what_is_allowed_counts_from_now():
    now = [10.0]
    supervised = Supervised(Patience(clock=lambda: now[0]))

    now[0] = 100.0
    assert supervised.run(lambda: "done", limit_s=5) == "done"
