"""What a run says on a terminal and elsewhere, and how long its stages took."""

import io
import logging
from types import SimpleNamespace

import pytest
from rich.console import Console as Terminal

from data_science import progress as stopwatch
from data_science.cli import console
from data_science.cli.console import Console
from data_science.engines.registry import Progress
from data_science.progress import Stopwatch

NAMES = ("data_science", "de")


@pytest.fixture(autouse=True)
def loggers():
    """Loggers as they were: a run sets them for its whole process."""
    root = logging.getLogger()
    before = root.level, root.handlers[:], {name: logging.getLogger(name).level for name in NAMES}
    yield
    root.handlers[:] = before[1]
    root.setLevel(before[0])
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def now(monkeypatch):
    clock = SimpleNamespace(s=100.0)
    monkeypatch.setattr(console, "monotonic", lambda: clock.s)
    return clock


def opened(monkeypatch, *, live, **options):
    """Return a console and what it writes."""
    written = io.StringIO()
    monkeypatch.setattr(
        console, "Terminal", lambda **_: Terminal(file=written, force_terminal=live, width=200)
    )
    monkeypatch.setattr(console.sys, "stderr", written)
    return Console(**options), written


@pytest.mark.parametrize(("verbose", "level"), [(False, logging.INFO), (True, logging.DEBUG)])
@pytest.mark.parametrize("live", [False, True], ids=["a file", "a terminal"])
def test_our_own_words_are_shown_and_others_warnings(monkeypatch, live, verbose, level):
    shown, written = opened(monkeypatch, live=live, verbose=verbose)

    with shown:
        assert {logging.getLogger(name).level for name in NAMES} == {level}
        logging.getLogger("data_science").info("ours")
        logging.getLogger("others").info("theirs")
        logging.getLogger("others").warning("theirs, loud")

    lines = [line for line in written.getvalue().splitlines() if "ours" in line or "theirs" in line]
    assert len(lines) == 2
    assert "INFO" in lines[0]
    assert "theirs, loud" in lines[1]


def test_without_a_terminal_progress_is_said_every_ten_seconds(monkeypatch, now):
    shown, written = opened(monkeypatch, live=False)

    with shown:
        for seconds in (9.9, 10.0, 19.9, 20.0, 21.0):
            now.s = 100.0 + seconds
            shown.progress(Progress("nuts", int(1_000 * seconds), 20_000, 3))

    said = [line.split("INFO ")[1] for line in written.getvalue().splitlines()]
    assert said == [
        "nuts: 10,000 of 20,000 draws, 3 divergences",
        "nuts: 20,000 of 20,000 draws, 3 divergences",
    ]


def test_without_a_terminal_findings_are_lines_of_the_log(monkeypatch):
    shown, written = opened(monkeypatch, live=False)

    with shown:
        shown.done({"Data": "3 rows", "Model": "label ~ 1"})

    assert [line.split("INFO ")[1] for line in written.getvalue().splitlines()] == [
        "Data: 3 rows",
        "Model: label ~ 1",
    ]


def test_on_a_terminal_each_stage_has_one_bar_and_findings_are_a_table(monkeypatch):
    shown, written = opened(monkeypatch, live=True)

    with shown:
        for done in (1, 20):
            shown.progress(Progress("nuts", done, 20, 2))
        shown.progress(Progress("loo", 5, 30))
        bars = [
            (bar.description, bar.completed, bar.total, bar.fields["n_divergences"])
            for bar in shown._bar.tasks
        ]
        assert shown._bar.live.is_started
        shown.done({"Data": "3 rows", "Convergence": "worst r_hat 1.0002 (1|attr_b[a])"})
        assert not shown._bar.live.is_started

    assert bars == [("nuts", 20, 20, 2), ("loo", 5, 30, 0)]
    assert "Data" in written.getvalue()
    assert "3 rows" in written.getvalue()
    assert "1|attr_b[a]" in written.getvalue()  # and not markup


@pytest.mark.parametrize("live", [False, True], ids=["a file", "a terminal"])
def test_who_asks_for_quiet_sees_warnings_and_nothing_else(monkeypatch, now, live):
    shown, written = opened(monkeypatch, live=live, quiet=True)

    with shown:
        for seconds in (1, 20):
            now.s = 100.0 + seconds
            shown.progress(Progress("nuts", seconds, 20, 2))
        logging.getLogger("data_science").info("ours")
        logging.getLogger("data_science").warning("ours, loud")
        shown.done({"Data": "3 rows"})

    assert written.getvalue().count("\n") == 1
    assert "ours, loud" in written.getvalue()


def test_a_stage_is_timed_in_order_and_adds_up_even_if_it_fails(monkeypatch):
    ticks = iter([0.0, 2.0, 10.0, 13.0, 20.0, 25.0])
    monkeypatch.setattr(stopwatch, "perf_counter", lambda: next(ticks))
    watch = Stopwatch()

    with watch.stage("read"):
        pass
    with pytest.raises(ZeroDivisionError), watch.stage("fit"):
        raise ZeroDivisionError
    with watch.stage("read"):
        pass

    assert list(watch.seconds.items()) == [("read", 7.0), ("fit", 3.0)]
    assert Stopwatch().seconds == {}
