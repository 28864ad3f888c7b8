"""The job as the operator runs it: a process of main.py, its end, and what it left in the models folder."""

import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from de.embedded import Coordinates
from tests.environment import inherited

ROOT = Path(__file__).parents[2]
N_CLIENTS = 2_000
SECRET = "Correct-Horse/41%s{0}'\\"  # ds_user's password
HANG_S = 480.0  # far beyond the limits of every wait here: whoever reaches it hangs
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

    def __init__(
        self,
        company: Coordinates,
        folder: Path,
        *before: str,
        program: Sequence[str] = (sys.executable, "main.py"),
        **environment: str,
    ) -> None:
        self.began = time.monotonic()
        self._output = tempfile.TemporaryFile("a+", encoding="utf-8")  # noqa: SIM115 (closed by end())
        self.process = subprocess.Popen(
            [*before, *program],
            cwd=ROOT,
            env={**inherited(), **company.environment(), "MODEL_FOLDER": str(folder), **QUICK, **environment},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def said(self) -> str:
        """Everything that the job has written so far."""
        self._output.seek(0)
        return self._output.read()

    def await_said(self, words: str) -> None:
        """Return when the job has said these words; a job that ends without them, or hangs, is an error."""
        while words not in " ".join(self.said().split()):  # lines are broken anywhere
            assert self.process.poll() is None, f"the job ended without {words!r}:\n{self.said()}"
            self._require_alive()
            time.sleep(0.05)

    def end(self) -> Ended:
        """Wait for the end; kill a job that hangs and say so."""
        while self.process.poll() is None:
            self._require_alive()
            time.sleep(0.02)
        ended = Ended(self.process.returncode, self.said(), time.monotonic() - self.began)
        self._output.close()
        return ended

    def _require_alive(self) -> None:
        if time.monotonic() - self.began > HANG_S:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the job hung; it had said:\n{self.said()}")

    def kill(self) -> None:
        """Send SIGKILL, as an operating system out of memory does."""
        self.process.send_signal(signal.SIGKILL)


def train(company: Coordinates, folder: Path, *before: str, **given: Any) -> Ended:
    """Run one job to its end."""
    return Job(company, folder, *before, **given).end()


def watched(job: Job) -> tuple[Ended, str]:
    """End the job; return its end and the command lines seen on the way, its own and its children's."""
    seen = set()
    while job.process.poll() is None:
        seen.add(_command_lines(job.process.pid))
        time.sleep(0.3)
    return job.end(), "\n".join(seen)


def _command_lines(pid: int) -> str:
    """What `ps` would show of a process and its children."""
    shown = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                if str(pid) in (entry.name, parent):
                    shown.append((entry / "cmdline").read_bytes().decode(errors="replace"))
            except (OSError, IndexError):  # it ended while we looked
                continue
    return "\n".join(shown)


def is_documented(ended: Ended) -> bool:
    """Whether a job ended with a documented code and said why in its own words."""
    if ended.code == 0:
        return "Stored in" in ended.said
    explained = re.search(r"ERROR (?!no model was saved)\S.*\n(?s:.*)no model was saved", ended.said)
    return ended.code in DOCUMENTED and bool(explained) and "Traceback" not in ended.said
