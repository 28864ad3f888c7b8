"""Find what some tests need from the system; install it where nobody has to be asked, or say what brings it.

Run by `make test` before the tests; `tests/conftest.py` leaves out, by name, the tests whose need is not met.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from book.printing import NO_CHROMIUM, chromium

_PROGRAMS = ("mount", "umount", "prlimit", "setpriv")
_SBIN = "/usr/sbin"  # where daemons are, which is not on everybody's PATH
_INSTALL_LIMIT_S = 900
#: An environment of its own: MLflow excludes versions of constraints.txt.
MLFLOW = Path(__file__).parents[1] / ".venv-mlflow"


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a machine may lack; the tests that need it are marked with its name."""

    name: str
    obstacle: Callable[[], str | None]  # why it cannot be used; None where it can
    remedy: str  # what a person does about it
    packages: tuple[str, ...] = ()  # Debian's, which bring it

    @property
    def required_by(self) -> str:
        """Environment variable that makes a lack an error."""
        return f"REQUIRE_{self.name.upper()}"

    @property
    def required(self) -> bool:
        """Whether a lack is an error, as in continuous integration."""
        return os.environ.get(self.required_by) == "1"

    def complaint(self, obstacle: str) -> str:
        """Say that the need is required and not met, and what to do."""
        return f"{self.required_by}=1, but {obstacle}. {self.remedy}"


def _browser_obstacle() -> str | None:
    return None if chromium() else NO_CHROMIUM.partition(".")[0]


def _daemon_obstacle(name: str) -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), _SBIN])
    return None if shutil.which(name, path=path) else f"there is no {name}"


def _terminal_obstacle() -> str | None:
    try:
        pair = os.openpty()
    except OSError as error:
        return f"no terminal can be opened ({error.strerror})"
    for end in pair:
        os.close(end)
    return None


def _programs_obstacle() -> str | None:
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    return f"there is no {', '.join(missing)}" if missing else None


def _engine_obstacle() -> str | None:
    if os.environ.get("REQUIRE_CONTAINERS") != "1" and not os.environ.get("DOCKER_HOST"):
        # An engine that is merely there may be a person's: it is for them to ask for minutes of work on it.
        return "DOCKER_HOST is not set"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{' '.join(command)}: {error}"
        if done.returncode:
            return f"{' '.join(command)}: {done.stderr.strip()}"
    return None


def _spark_obstacle() -> str | None:
    if importlib.util.find_spec("pyspark") is None:
        return "there is no pyspark"
    return None if shutil.which("java") else "there is no java"


def _mlflow_obstacle() -> str | None:
    return None if (MLFLOW / "bin" / "mlflow").exists() else f"there is no environment {MLFLOW.name}"


NEEDS = (
    Need(
        "browser",
        _browser_obstacle,
        "Install one: sudo apt-get install chromium, or .venv/bin/playwright install --with-deps chromium",
        ("chromium",),
    ),
    Need(
        "util_linux",
        _programs_obstacle,
        "Install them: sudo apt-get install util-linux mount",
        ("util-linux", "mount"),
    ),
    Need(
        "pgbouncer",
        partial(_daemon_obstacle, "pgbouncer"),
        "Install it: sudo apt-get install pgbouncer",
        ("pgbouncer",),
    ),
    Need(
        "nginx",
        partial(_daemon_obstacle, "nginx"),
        "Install it: sudo apt-get install nginx-light",
        ("nginx-light",),
    ),
    Need(
        "promtool",
        partial(_daemon_obstacle, "promtool"),
        "Install it: sudo apt-get install prometheus",
        ("prometheus",),
    ),
    Need(
        "terminal",
        _terminal_obstacle,
        "Mount them: sudo mount -t devpts devpts /dev/pts -o ptmxmode=0666",
    ),
    Need(
        "spark",
        _spark_obstacle,
        "Install it: sudo apt-get install openjdk-17-jre-headless, and .venv/bin/pip install '.[spark]'",
    ),
    Need(
        "mlflow",
        _mlflow_obstacle,
        f"Make it: python3 -m venv {MLFLOW.name}; {MLFLOW.name}/bin/pip install -e ./mle -e '.[mlflow]'",
    ),
    Need(
        "containers",
        _engine_obstacle,
        "Set DOCKER_HOST, or run make test-containers, which uses the engine that docker finds",
    ),
)


def main() -> int:
    """Install what is missing and can be installed; 1 if something that is required is still missing."""
    missing = [need for need in NEEDS if need.packages and need.obstacle()]
    if missing and (before := _as_root()) is not None:
        _install(before, missing)
    complaints = [need.complaint(found) for need in NEEDS if need.required and (found := need.obstacle())]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def _as_root() -> list[str] | None:
    """Words before a command that make it root's without a question; None where that cannot be."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    before = ["sudo", "-n"]  # -n: fails where it would ask for a password
    if shutil.which("sudo") is None or subprocess.run([*before, "true"], capture_output=True).returncode:
        return None
    return before


def _install(before: list[str], missing: list[Need]) -> None:
    """Install each need by itself: a package that apt does not know would prevent the others."""
    if fault := _apt_get(before, "update"):
        print(f"apt-get could not update its lists: {fault}", flush=True)  # those it has may do
    for need in missing:
        print(f"installing what the tests need: apt-get install {' '.join(need.packages)}", flush=True)
        if fault := _apt_get(before, "install", "-y", "--no-install-recommends", *need.packages):
            print(f"apt-get could not install it: {fault}", flush=True)


def _apt_get(before: list[str], *words: str) -> str | None:
    """Run a command of apt-get; returns the last words of a failure."""
    apt = [
        *before,
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-qq",
        "-o",
        "DPkg::Lock::Timeout=120",
    ]
    try:
        done = subprocess.run(
            [*apt, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=_INSTALL_LIMIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no end of `apt-get {words[0]}` within {_INSTALL_LIMIT_S} s"
    if done.returncode:
        return (done.stdout.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return None


if __name__ == "__main__":
    sys.exit(main())
