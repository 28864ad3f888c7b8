"""The job as the operator runs it: a process of main.py, its end, and what it left in the models folder."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from de.embedded import Coordinates

ROOT = Path(__file__).parents[2]
N_CLIENTS = 2_000
HANG_S = 240.0  # far beyond the limits of every wait here: whoever reaches it hangs
DOCUMENTED = {0, 2, 3, 4, 130, 143}
# A quick, complete job: the draws are enough for the gates, and the rest is as by default.
QUICK = {"ENGINE": "nested-laplace", "SECOND_OPINION": "0", "DRAWS": "500"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How one job ended."""

    code: int  # negative: the signal that killed it
    said: str
    seconds: float


class Job:
    """A running training process."""

    def __init__(self, company: Coordinates, folder: Path, *before: str, **environment: str) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*before, sys.executable, "main.py"],
            cwd=ROOT,
            env={**os.environ, **company.environment(), "MODEL_FOLDER": str(folder), **QUICK, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def end(self) -> Ended:
        """Wait for the end; kill a job that hangs and say so."""
        try:
            said, _ = self.process.communicate(timeout=HANG_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            said, _ = self.process.communicate()
            raise AssertionError(f"the job hung; it had said:\n{said}") from None
        return Ended(self.process.returncode, said, time.monotonic() - self.began)

    def kill(self) -> None:
        """Send SIGKILL, as an operating system out of memory does."""
        self.process.send_signal(signal.SIGKILL)


def train(company: Coordinates, folder: Path, *before: str, **environment: str) -> Ended:
    """Run one job to its end."""
    return Job(company, folder, *before, **environment).end()


def is_documented(ended: Ended) -> bool:
    """Whether a job ended with a documented code and said why in its own words."""
    if ended.code == 0:
        return "Stored in" in ended.said
    explained = re.search(r"ERROR (?!nothing)\S.*\n(?s:.*)nothing was stored", ended.said)
    return ended.code in DOCUMENTED and bool(explained) and "Traceback" not in ended.said
