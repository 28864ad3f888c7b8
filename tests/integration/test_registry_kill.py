"""`kill -9` at any moment of a change of the registry: the old state or the new one, and a history that agrees."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest

from data_science.storage import roles
from data_science.storage.artifact import load
from data_science.storage.registry import Registry

TESTS = Path(__file__).parents[1]
N_FAST, N_SLOW = 4, 500  # kills of each verb
VERBS = ("promote", "rollback", "hold", "train", "prune")

# Imports once; then, for each line "verb n", forks a process that makes so many changes of this kind one after the
# other; says its number and, at its end, how it ended.
CHANGER = """
import os, sys
from datetime import UTC, datetime
from itertools import count

from data_science.storage.artifact import save
from data_science.storage.registry import Registry
from data_science.storage.layout import listed
from serving_cases import predictor

registry, model = Registry(sys.argv[1]), predictor()

def trained(**options):
    save(sys.argv[1], predictor=model, diagnostics={}, model_card="card", provenance={}, writers={}, now=datetime.now(UTC), **options)

def change(verb, n):
    for _ in range(n):
        if verb in ("train", "prune"):
            trained(keep=2 if verb == "prune" else 9)
            continue
        now = registry.roles()
        others = [name for name in listed(registry.folder) if name != now.champion]
        if verb == "promote":
            registry.promote(others[0], why="a kill")
        elif verb == "rollback":
            registry.promote(others[0])
            registry.rollback(why="a kill")
        else:
            registry.hold(now.champion)
            registry.release(now.champion)

for line in sys.stdin:
    verb, n = line.split()
    child = os.fork()
    if child == 0:
        try:
            change(verb, int(n))
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Changer:
    """Processes that change a folder, one after the other."""

    def __init__(self, pipes):
        self._pipes = pipes

    def start(self, verb, n=10_000):
        self._pipes.stdin.write(f"{verb} {n}\n")
        self._pipes.stdin.flush()
        return int(self._pipes.stdout.readline())

    def end(self):
        return int(self._pipes.stdout.readline())


@contextmanager
def changing(folder):
    path = os.pathsep.join([str(TESTS / "unit"), str(TESTS.parent)])
    with subprocess.Popen(
        [sys.executable, "-c", CHANGER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            yield Changer(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def killed_again_and_again(verb, folder, n_kills):
    """Kill a verb so often; return how many changes were committed, and how many a kill left to be finished."""
    registry, moments = Registry(folder), random.Random(20261129)
    unfinished = 0
    with changing(folder) as changer:
        for _ in range(3):
            changer.start("train", 1)
            assert changer.end() == 0
        before, began = registry.history(), time.monotonic()
        changer.start(verb, 3)
        assert changer.end() == 0
        one_s = (time.monotonic() - began) / 3
        for _ in range(n_kills):
            process = changer.start(verb)
            time.sleep(moments.uniform(0.0, 3 * one_s))
            os.kill(process, signal.SIGKILL)
            assert changer.end() == -signal.SIGKILL

            now, lines = roles.seen(folder)
            assert lines[: len(before)] == before  # nothing that was said is unsaid
            assert lines[-1]["after"] == asdict(now)
            loaded = load(folder)
            assert (loaded.path.name, loaded.fallback) == (now.champion, None)
            unfinished += (folder / roles.PENDING).exists()
            before = lines
        changer.start("promote", 1)  # finishes what the last one began
        assert changer.end() == 0
    assert not (folder / roles.PENDING).exists()
    lines = registry.history()
    assert lines[: len(before)] == before
    assert "found" not in {line["verb"] for line in lines}  # no change went without its line
    return len(lines), unfinished


@pytest.mark.parametrize("verb", VERBS)
def test_a_few_kills_leave_the_old_state_or_the_new_and_a_history_that_agrees(verb, tmp_path):
    killed_again_and_again(verb, tmp_path / "models", N_FAST)


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_500_kills_leave_the_old_state_or_the_new_and_a_history_that_agrees(verb, tmp_path):
    lines, unfinished = killed_again_and_again(verb, tmp_path / "models", N_SLOW)

    print(f"{verb}: {N_SLOW} kills, {lines} lines of history, {unfinished} kills between intent and end")
    assert unfinished > 20  # the kills fall between intent and end, too


def test_two_processes_that_promote_at_once_take_turns(tmp_path):
    folder, n = tmp_path / "models", 100
    with changing(folder) as one, changing(folder) as other:
        for _ in range(3):
            one.start("train", 1)
            assert one.end() == 0

        one.start("promote", n)
        other.start("promote", n)

        assert [one.end(), other.end()] == [0, 0]
    now, lines = roles.seen(folder)
    assert [line["seq"] for line in lines] == list(range(3 + 2 * n))
    assert lines[-1]["after"] == asdict(now)
    assert all(line["from"] == before["after"]["champion"] for before, line in pairwise(lines))
