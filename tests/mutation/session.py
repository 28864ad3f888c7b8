"""One pytest session in a process forked from one that holds the libraries already, within limits."""

import atexit
import contextlib
import ctypes
import json
import os
import resource
import runpy
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

WHOLE = "the whole session"  # named where no test is: it died, or failed after its last test
_PR_SET_CHILD_SUBREAPER = 36
_TRACER = Path(__file__).with_name("tracer.py")
_ARGUMENTS = [
    *("-o", "addopts=", "-o", "testpaths="),  # without the workers, markers and folders of everyday runs
    *("-q", "-x", "--import-mode=importlib", "-m", "not slow", "-p", "no:cacheprovider"),
    "--assert=plain",  # nobody reads why a test fails here, and nothing imported before needs to be rewritten
]


class Cost(NamedTuple):
    """What tests took, with the processes they have waited for."""

    cpu_s: float
    wall_s: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.cpu_s + other.cpu_s, self.wall_s + other.wall_s)

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.cpu_s - other.cpu_s, self.wall_s - other.wall_s)


NOTHING = Cost(0.0, 0.0)


class Limits(NamedTuple):
    """Where a session is ended; the limit of CPU time is for each process."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended."""

    ended: str  # "passed", "failed" or "timeout"
    failed: str = ""  # the first test, or module that could not be collected
    costs: Mapping[str, Cost] = field(default_factory=dict)  # of each test that ran, but for what tests share
    shared: Cost = NOTHING  # fixtures of a wider scope than one test
    failures: tuple[str, ...] = ()  # all, where the session was not to stop at the first
    lines: Mapping[str, list[int]] = field(default_factory=dict)  # of the tree, that ran; where traced
    cpu_s: float = 0.0


class _Notes:
    """A pytest plugin that runs the chosen tests in the given order and notes what they cost and say."""

    def __init__(self, chosen: Sequence[str] | None, left_out: Collection[str]) -> None:
        self.order = None if chosen is None else {nodeid: place for place, nodeid in enumerate(chosen)}
        self.left_out = left_out
        self.costs: dict[str, Cost] = {}
        self.failures: list[str] = []
        self.shared = NOTHING
        self._started = self._shared_before = NOTHING

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = self.order
        if order is None:
            items[:] = [item for item in items if not any(part in item.nodeid for part in self.left_out)]
        else:
            items[:] = sorted((i for i in items if i.nodeid in order), key=lambda item: order[item.nodeid])

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
        started = _now()
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                self.shared += _now() - started

    def pytest_runtest_logstart(self) -> None:
        self._started, self._shared_before = _now(), self.shared

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.costs[nodeid] = _now() - self._started - (self.shared - self._shared_before)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failures.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures.append(report.nodeid)


def run(
    files: Sequence[str],
    limits: Limits,
    *,
    chosen: Sequence[str] | None = None,
    left_out: Collection[str] = (),
    traced: bool = False,
) -> Outcome:
    """Run tests of the current folder in a fork of this process.

    Parameters
    ----------
    files
        Relative paths of test files.
    limits
    chosen
        Node ids, in the order to run them; None runs all but those that contain a text of ``left_out``.
    traced
        Whether to note each line of the tree that runs, and to go on after a failure.
    """
    folder = Path(tempfile.mkdtemp(prefix="mutation-"))
    sys.stdout.flush()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _child(folder, files, _Notes(chosen, left_out), traced, limits)
    try:
        in_time, cpu_s = _wait(child, started + limits.wall_s)
        return _outcome(folder, in_time, cpu_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _child(folder: Path, files: Sequence[str], notes: _Notes, traced: bool, limits: Limits) -> None:
    status = 70
    try:
        os.setsid()
        limit = int(limits.cpu_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))  # ends by SIGXCPU
        with (folder / "log").open("wb") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        folder.chmod(0o1777)  # a database server of another user writes there, too
        _make_repeatable()
        arguments = [*_ARGUMENTS, "--basetemp", str(folder / "base")]
        if traced:
            arguments += ["--maxfail", "1000000"]
            lines = folder / "lines"
            lines.touch()
            lines.chmod(0o666)  # a test may give up root
            os.environ |= {"MUTATION_TREE": f"{Path.cwd()}/", "MUTATION_LINES": str(lines)}
            runpy.run_path(str(_TRACER))
        status = int(pytest.main([*arguments, *files], plugins=[notes]))
        (folder / "notes").write_text(
            json.dumps(
                {"status": status, "costs": notes.costs, "shared": notes.shared, "failures": notes.failures}
            )
        )
        atexit._run_exitfuncs()
    finally:
        os._exit(status)


def _make_repeatable() -> None:
    """Give Hypothesis the same examples every time: a mutant's fate must not hang on luck."""
    with contextlib.suppress(ImportError):
        from hypothesis import HealthCheck, settings

        settings.register_profile(
            "mutation",
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        settings.load_profile("mutation")


def _now() -> Cost:
    return Cost(sum(os.times()[:4]), time.monotonic())


def adopt_orphans() -> None:
    """Become the parent of processes that a session leaves behind, so that they can be found and ended."""
    with contextlib.suppress(AttributeError):  # Linux has it
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait(child: int, until: float) -> tuple[bool, float]:
    """Wait for the process and end what it leaves: whether it kept the limits, and its CPU seconds."""
    in_time, ended = True, 0
    while ended != child:
        ended, status, usage = os.wait4(-1, os.WNOHANG)  # orphans, too: tests look whether they are gone
        if ended == 0:
            time.sleep(0.01)
        if time.monotonic() > until and in_time and ended != child:
            in_time = False
            os.kill(child, signal.SIGKILL)
    left = psutil.Process().children(recursive=True)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=10)
    by_limit = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
    return in_time and not by_limit, usage.ru_utime + usage.ru_stime


def _outcome(folder: Path, in_time: bool, cpu_s: float) -> Outcome:
    try:
        notes = json.loads((folder / "notes").read_text())
    except FileNotFoundError:  # killed by a limit, or by what the mutant did
        return Outcome("failed" if in_time else "timeout", WHOLE, cpu_s=cpu_s)
    if notes["status"] in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        ended = "passed"
    else:
        ended = "failed"
    failures = tuple(dict.fromkeys(notes["failures"]))
    failed = failures[0] if failures else "" if ended == "passed" else WHOLE
    costs = {nodeid: Cost(*cost) for nodeid, cost in notes["costs"].items()}
    shared = Cost(*notes["shared"])
    return Outcome(ended, failed, costs, shared, failures, _lines(folder / "lines"), cpu_s)


def _lines(path: Path) -> dict[str, list[int]]:
    found: dict[str, set[int]] = {}
    for entry in path.read_text().splitlines() if path.exists() else ():
        file, _, line = entry.rpartition(":")
        if "tests/" not in file:
            found.setdefault(file, set()).add(int(line))
    return {file: sorted(lines) for file, lines in sorted(found.items())}
