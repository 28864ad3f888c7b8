"""A version appears whole or not at all: under `kill -9`, and while others save and read."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from data_science.storage.artifact import load

N_KILLS = 200
TESTS = Path(__file__).parents[1]

SAVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path

from data_science.storage.artifact import save
from serving_cases import predictor

model, n_saves = predictor(seed=int(sys.argv[2])), int(sys.argv[3])
print("ready", flush=True)
for i in range(n_saves):
    save(
        sys.argv[1], predictor=model, diagnostics={}, model_card="card", gates_passed=True, provenance={},
        writers={"posterior.nc": lambda path: path.write_bytes(b"posterior" * 10_000)},
        now=datetime.now(UTC), keep=2,
    )
    print(i, flush=True)
"""
ROW = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}


def saver(folder, seed, n_saves):
    """Start a process that saves again and again."""
    path = os.pathsep.join([str(TESTS / "unit"), str(TESTS.parent)])
    return subprocess.Popen(
        [sys.executable, "-c", SAVER, str(folder), str(seed), str(n_saves)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_kill_9_at_any_moment_of_a_save_leaves_a_folder_that_loads(tmp_path, caplog):
    moments, killed, seed = random.Random(20261122), 0, 0
    process = saver(tmp_path, 0, 1)
    assert process.wait() == 0
    process.stdout.close()

    while killed < N_KILLS:
        seed += 1
        with saver(tmp_path, seed, 10_000) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(moments.uniform(0.0, 0.04))
            process.send_signal(signal.SIGKILL)
        killed += process.returncode == -signal.SIGKILL

        loaded = load(tmp_path)
        assert loaded.fallback is None
        assert loaded.predictor.predict_one(ROW) in (0, 1)

    assert "fell back" not in caplog.text


def test_a_reader_polling_while_two_processes_save_never_sees_half_a_version(tmp_path, caplog):
    with saver(tmp_path, 1, 1) as process:
        process.stdout.read()
    n_saves, seen = 150, set()

    with saver(tmp_path, 2, n_saves) as one, saver(tmp_path, 3, n_saves) as other:
        while one.poll() is None or other.poll() is None:
            loaded = load(tmp_path)
            assert loaded.fallback is None
            seen.add(loaded.path.name)
        saved = [len(process.stdout.read().split()) - 1 for process in (one, other)]

    assert saved == [n_saves, n_saves]
    assert len(seen) > 20
    assert "fell back" not in caplog.text
    versions = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("."))
    assert len(versions) == 3  # keep=2 and LATEST
    assert load(tmp_path).path.name == versions[1]
