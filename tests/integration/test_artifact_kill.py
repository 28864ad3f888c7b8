"""A version appears whole or not at all: under `kill -9`, and while others save and read."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from data_science.storage.artifact import load

N_KILLS = 200
TESTS = Path(__file__).parents[1]

# Imports once; then, for each line "seed n_saves [file]", forks a process that saves so often, and on until the
# file is there if one is named; says its number and its end.
SAVER = """
import os, sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from data_science.storage.artifact import save
from serving_cases import predictor

def save_again_and_again(seed, n_saves, until=None):
    model = predictor(seed=int(seed))
    for done in count():
        if done >= int(n_saves) and (until is None or Path(until).exists()):
            return
        save(
            sys.argv[1], predictor=model, diagnostics={}, model_card="card", provenance={},
            writers={"posterior.nc": lambda path: path.write_bytes(b"posterior" * 10_000)},
            now=datetime.now(UTC), keep=2,
        )

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        save_again_and_again(*line.split())
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
ROW = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}


class Saver:
    """Processes that save, one after the other."""

    def __init__(self, pipes):
        self._pipes = pipes

    def start(self, seed, n_saves, until=""):
        """Start the next and return its number."""
        self._pipes.stdin.write(f"{seed} {n_saves} {until}\n")
        self._pipes.stdin.flush()
        return int(self._pipes.stdout.readline())

    def end(self):
        """Wait for its end and return how it ended: 0, or minus the signal that killed it."""
        return int(self._pipes.stdout.readline())


@contextmanager
def saving(folder):
    """Give a Saver of versions in this folder."""
    path = os.pathsep.join([str(TESTS / "unit"), str(TESTS.parent)])
    with subprocess.Popen(
        [sys.executable, "-c", SAVER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},  # nothing runs beside a fork
    ) as process:
        try:
            yield Saver(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with whoever still saves


def test_kill_9_at_any_moment_of_a_save_leaves_a_folder_that_loads(tmp_path, caplog):
    moments, killed, seed = random.Random(20261122), 0, 0
    with saving(tmp_path) as saver:
        saver.start(seed, 1)
        assert saver.end() == 0

        while killed < N_KILLS:
            seed += 1
            process = saver.start(seed, 10_000)
            time.sleep(moments.uniform(0.0, 0.04))
            os.kill(process, signal.SIGKILL)
            killed += saver.end() == -signal.SIGKILL

            loaded = load(tmp_path)
            assert loaded.fallback is None
            assert loaded.predictor.predict_one(ROW) in (0, 1)

    assert "fell back" not in caplog.text


def test_a_reader_polling_while_two_processes_save_never_sees_half_a_version(tmp_path, caplog):
    n_saves, seen = 50, set()
    models, seen_enough = tmp_path / "models", tmp_path / "seen-enough"  # however slow the reader is
    with saving(models) as one, saving(models) as other:
        one.start(1, 1)
        assert one.end() == 0

        one.start(2, n_saves, seen_enough)
        other.start(3, n_saves, seen_enough)
        with ThreadPoolExecutor(2) as pool:
            ends = [pool.submit(saver.end) for saver in (one, other)]
            try:
                while not all(end.done() for end in ends):
                    loaded = load(models)
                    assert loaded.fallback is None
                    seen.add(loaded.path.name)
                    if len(seen) > 4:
                        seen_enough.touch()
            finally:
                seen_enough.touch()  # or a failure would wait for them
        assert [end.result() for end in ends] == [0, 0]

    assert "fell back" not in caplog.text
    versions = sorted(path.name for path in models.iterdir() if path.is_dir() and path.name[0] != ".")
    assert len(versions) == 2  # keep=2
    assert load(models).path.name == versions[-1]
