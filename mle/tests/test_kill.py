"""What ``kill -9`` can lose, tried with real processes killed at random moments."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from machine_learning_engineering.reading import read_predictions
from machine_learning_engineering.segments import segments

N_KILLS = 100
WRITER = Path(__file__).with_name("log_until_killed.py")


class Writer:
    """Processes that append to one folder, each killed before the next begins."""

    def __init__(self, pipes):
        self._pipes = pipes
        self._running = None
        self.acknowledged = []

    def start(self, first_idx, n_threads):
        """Start the next one."""
        self._pipes.stdin.write(b"%d %d\n" % (first_idx, n_threads))
        self._pipes.stdin.flush()
        self._running = None

    def read_until(self, enough):
        """Take note of what is acknowledged until ``enough(latest word)``."""
        for line in self._pipes.stdout:
            if line.startswith(b"pid "):
                self._running = int(line[4:])
            elif line != b"ended\n":
                self.acknowledged.append(int(line))
            if enough(line):
                return
        raise AssertionError("the writer ended")

    def append_some(self, n):
        """Return when its number is known and so many more are acknowledged."""
        goal = len(self.acknowledged) + n
        self.read_until(lambda _: self._running and len(self.acknowledged) >= goal)

    def kill(self):
        """Kill it; take note of what was acknowledged meanwhile."""
        os.kill(self._running, signal.SIGKILL)
        self.read_until(lambda line: line == b"ended\n")


@contextmanager
def writing(folder):
    """Give a Writer to this folder."""
    with subprocess.Popen(
        [sys.executable, str(WRITER), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield Writer(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with whoever still appends


def test_kill_9_loses_no_acknowledged_prediction_and_duplicates_none(tmp_path):
    moments = random.Random(20_261_122)
    with writing(tmp_path) as writer:
        for kill in range(N_KILLS):
            writer.start(kill * 1_000_000, n_threads=8)
            writer.append_some(moments.randint(1, 60))
            time.sleep(moments.uniform(0, 0.005))
            writer.kill()

    reading = read_predictions(tmp_path)
    logged = [made.idx for made in reading.predictions]
    assert len(writer.acknowledged) > 10 * N_KILLS
    assert set(writer.acknowledged) <= set(logged)
    assert len(logged) == len(set(logged))
    # Beyond what was acknowledged at most one record per thread was under way at each kill.
    assert len(logged) - len(writer.acknowledged) <= 8 * N_KILLS
    assert len(reading.skipped) <= N_KILLS
    assert len(segments(tmp_path)) > N_KILLS


def test_two_processes_write_to_one_folder_without_mixing_their_lines(tmp_path):
    with writing(tmp_path) as one, writing(tmp_path) as other:
        writers = {0: one, 1: other}
        for number, writer in writers.items():
            writer.start(number * 1_000_000, n_threads=4)
        for writer in writers.values():
            writer.append_some(100)
        for writer in writers.values():
            writer.kill()

    acknowledged = {number: set(writer.acknowledged) for number, writer in writers.items()}
    reading = read_predictions(tmp_path)
    assert all({idx // 1_000_000 for idx in of_one} == {number} for number, of_one in acknowledged.items())
    assert acknowledged[0] | acknowledged[1] <= {made.idx for made in reading.predictions}
