"""A copy of the tree that one worker mutates, and the judgement of one mutant in it."""

import compileall
import contextlib
import importlib
import os
import py_compile
import re
import shutil
import sys
import sysconfig
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from . import session
from .mutant import Mutant
from .sample import PACKAGES, files
from .tests_of import LEFT_OUT, Stage, Trace

_BUILT = ".git .venv __pycache__ .*_cache .hypothesis *.egg-info models _build build dist"
# Files that take part in what numba compiles.
COMPILED = (
    "data_science/likelihood/compiled/",
    "data_science/likelihood/binomial.py",
    "data_science/formula/priors/",
)
# These start processes and wait for them, which a busy machine can fail, too: they have to notice a mutant twice.
_HURRIED = ("tests/deployment/", "tests/faults/", "tests/integration/", "mle/tests/")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant."""

    status: str  # "killed", "timeout", "survived" or "equivalent"
    by: str = ""  # the test that noticed
    n_tests: int = 0
    cpu_s: float = 0.0
    doubted: tuple[str, ...] = ()  # tests that failed once and passed when they were asked again


def copy(tree: Path, folder: Path) -> Path:
    """Copy the tree, without what is built, to ``folder``/tree, with an interpreter of its own beside it."""
    target = folder / "tree"
    shutil.copytree(tree, target, ignore=shutil.ignore_patterns(*_BUILT.split()), symlinks=True)
    for package in PACKAGES:
        for file in files(target, package):
            # By content: a mutant of the same length within the same second must not run as the original.
            compileall.compile_file(
                target / file, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
            )
    _make_interpreter(folder / "venv", target)
    return folder


def _make_interpreter(folder: Path, tree: Path) -> None:
    """Make an environment with the packages of this one, where the project is not the checkout but ``tree``.

    Tests start interpreters with whatever variables they like: only the interpreter itself can be relied on.
    """
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    ours = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})"
    (packages / "tree.pth").write_text(f"{tree}\n{tree / 'mle'}\n{ours}\n")
    shutil.copy(Path(__file__).with_name("tracer.py"), packages / "sitecustomize.py")
    for program in Path(sys.executable).parent.iterdir():
        with contextlib.suppress(FileExistsError):
            (folder / "bin" / program.name).symlink_to(program)


def import_libraries(tree: Path) -> None:
    """Import pytest's plugins, and what the tree's code and tests import but the tree: forks have it for nothing."""
    if not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        for plugin in entry_points(group="pytest11"):
            plugin.load()
    ours = {path.stem for path in [*tree.iterdir(), *(tree / "mle").glob("*"), *tree.glob("*tests/**/*.py")]}
    names = set()
    for folder in (*(place for places in PACKAGES.values() for place in places), "tests", "mle/tests"):
        for path in sorted(tree.glob(f"{folder}/**/*.py")):
            if "mutation" not in path.parts:
                names |= set(
                    re.findall(r"^ *(?:from|import) ([a-zA-Z_][\w.]*)", path.read_text(), re.MULTILINE)
                )
    for name in sorted(names):
        if name.partition(".")[0] not in ours | {"tests", "book"}:
            with contextlib.suppress(Exception):  # a word of prose, or for another system
                importlib.import_module(name)


def enter(folder: Path) -> None:
    """Make this process, and those that it starts, run the copy in ``folder``."""
    outside = {"", str(Path.cwd()), str(Path(__file__).parents[1])}
    os.chdir(folder / "tree")
    session.adopt_orphans()
    sys.path[:] = [str(Path.cwd()), str(Path("mle").resolve()), *(p for p in sys.path if p not in outside)]
    sys.executable = str(folder / "venv" / "bin" / Path(sys.executable).name)
    os.environ.pop("PYTHONPATH", None)


def trace(file: str) -> Trace:
    """Run a file of tests on the unmutated copy; tests that fail there judge nothing."""
    outcome = session.run([file], session.Limits(cpu_s=600, wall_s=3600), left_out=LEFT_OUT, traced=True)
    costs = {nodeid: cost for nodeid, cost in outcome.costs.items() if nodeid not in outcome.failures}
    failed = outcome.failures or ((outcome.failed,) if outcome.failed else ())
    return Trace(costs, outcome.shared, outcome.lines, failed)


def judge(mutant: Mutant, stages: Sequence[Stage]) -> Verdict:
    """Ask the tests, stage by stage, until one of them notices the mutant."""
    n_tests, cpu_s, doubted = 0, 0.0, []
    with _made(mutant):
        for stage in stages:
            chosen = list(stage.nodeids)
            while chosen:
                outcome = _ask(stage, chosen)
                cpu_s += outcome.cpu_s
                n_tests += len(outcome.costs)
                if outcome.ended == "passed":
                    break
                if outcome.ended == "timeout":
                    return Verdict("timeout", outcome.failed, n_tests, cpu_s, tuple(doubted))
                if _cannot_be_haste(outcome.failed):
                    return Verdict("killed", outcome.failed, n_tests, cpu_s, tuple(doubted))
                named = outcome.failed in stage.nodeids
                again = _ask(stage, [outcome.failed] if named else chosen)
                cpu_s += again.cpu_s
                if again.ended != "passed":
                    return Verdict("killed", outcome.failed, n_tests, cpu_s, tuple(doubted))
                doubted.append(outcome.failed)
                chosen = chosen[chosen.index(outcome.failed) + 1 :] if named else []
    return Verdict("survived", "", n_tests, cpu_s, tuple(doubted))


def _cannot_be_haste(failed: str) -> bool:
    """Whether a failure has nothing to do with how busy the machine is, so that one is enough."""
    return failed != session.WHOLE and not failed.startswith(_HURRIED)


def _ask(stage: Stage, nodeids: Sequence[str]) -> session.Outcome:
    files = list(dict.fromkeys(stage.nodeids[nodeid] for nodeid in nodeids))
    # Far from what they took without a mutant, since machines are busy: only a loop or wait without end gets there.
    limits = session.Limits(cpu_s=60 + 4 * stage.cost.cpu_s, wall_s=60 + 3 * stage.cost.wall_s)
    return session.run(files, limits, chosen=nodeids)


@contextlib.contextmanager
def _made(mutant: Mutant) -> Iterator[None]:
    """Write the mutant into the copy, and afterwards the original with its time of writing.

    Compiled code on disk is put back, too: a mutant that is part of it has overwritten it with its own, since
    the product's stamps tell the two apart, and each further mutant would compile the original again.
    """
    path = Path(mutant.file)
    original, stamp = path.read_bytes(), path.stat()
    compiled = {file: file.read_bytes() for file in _compiled()}
    path.write_bytes(mutant.apply(original))
    try:
        yield
    finally:
        path.write_bytes(original)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        for file in _compiled():
            if file not in compiled:
                file.unlink()
        for file, content in compiled.items():
            file.write_bytes(content)


def _compiled() -> list[Path]:
    return [*Path().glob("data_science/**/*.nb[ic]")]


def is_compiled(file: str) -> bool:
    """Whether numba compiles functions of the file, whose lines no interpreter then reports."""
    return file.startswith(COMPILED)
