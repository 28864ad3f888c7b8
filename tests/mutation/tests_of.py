"""Which tests can notice a mutant, the cheapest first: those that run the changed line."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath

from .mutant import Mutant
from .session import NOTHING, Cost

FOLDERS = ("tests", "mle/tests")
LEFT_OUT = {  # part of a test's name: why no mutant is judged by it
    "tests/mutation/": "tests this tool",
    "tests/containers/": "needs a container engine",
    "tests/book/test_site.py": "builds the whole book, prints it and visits it with a browser",
    "tests/book/test_build.py": "builds the whole book",
    "tests/book/test_paper.py": "needs a browser",
    "tests/book/test_visiting.py": "needs a browser, and tests only the tests' own visitor",
    "tests/test_architecture.py": "reads the code instead of running it",
    "tests/test_readme.py": "reads prose",
    "sampling/test_bambi_tools.py": "four default fits, and more CPU seconds of Bambi's tools than of ours",
    "trust/test_calibration.py": "a fit for each of many data sets",
    "trust/test_noise.py": "a fit for each of many data sets",
    "fine_fits_are_not_refused": "many fits, and gates that pass everything pass it",
}
DEAR_S = 5.0  # CPU seconds of a test that waits until all cheaper ones have been asked
STAGE_S = 10.0  # CPU seconds of tests that are asked at a time


@dataclass(frozen=True, slots=True)
class Trace:
    """What one file of tests cost and ran when nothing was mutated."""

    costs: Mapping[str, Cost]  # by node id, of those that passed
    shared: Cost  # of fixtures that several of them use
    lines: Mapping[str, Sequence[int]]  # by file of the tree
    failed: tuple[str, ...] = ()
    digest: str = ""  # of the file


class Traces:
    """What every file of tests runs."""

    def __init__(self, files: Mapping[str, Trace]) -> None:
        self.files = files
        self._lines = {
            name: {path: frozenset(lines) for path, lines in file.lines.items()}
            for name, file in files.items()
        }

    @classmethod
    def read(cls, path: Path) -> "Traces":
        """The map as `write` left it."""
        stored = json.loads(path.read_text())
        for file in stored.values():
            file["costs"] = {nodeid: Cost(*cost) for nodeid, cost in file["costs"].items()}
            file |= {"shared": Cost(*file["shared"]), "failed": tuple(file["failed"])}
        return cls({name: Trace(**file) for name, file in stored.items()})

    def write(self, path: Path) -> None:
        """Store the map."""
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps({name: asdict(file) for name, file in self.files.items()}))
        unfinished.replace(path)

    def files_for(
        self, mutant: Mutant, functions: Callable[[str], frozenset[int]], *, compiled: bool
    ) -> list[str]:
        """Files of tests that run the mutated statement, or come nearest to it.

        A statement that runs at import decides what the module's functions do later, and compiled code is
        invisible line by line: for both, and for a line that no file is seen to run, these are the files that
        run some line of the module's own ``functions``. Where all of these are compiled, they are those that
        run the functions of the package around it, and where nothing is called, those that import the module.
        """
        first, last = mutant.statement
        found: list[str] = []
        if not (mutant.runs_at_import or compiled):
            found = self._running({mutant.file: frozenset(range(first, last + 1))})
        found = found or self._running({mutant.file: functions(mutant.file)})
        if not (found or mutant.runs_at_import):
            found = self._running({file: functions(file) for file in self._beside(mutant.file)})
        return found or [name for name, runs in self._lines.items() if mutant.file in runs]

    def _beside(self, file: str) -> set[str]:
        folder = PurePath(file).parent
        return {path for runs in self._lines.values() for path in runs if PurePath(path).parent == folder}

    def _running(self, lines: Mapping[str, frozenset[int]]) -> list[str]:
        return [
            name
            for name, runs in self._lines.items()
            if any(lines[file] & runs[file] for file in lines.keys() & runs.keys())
        ]

    def stages(self, files: Sequence[str], budget_s: float) -> Iterator["Stage"]:
        """The tests of ``files``, cheap ones first, as far as ``budget_s`` CPU seconds reach."""
        batches = []
        for name in files:
            costs, shared = self.files[name].costs, self.files[name].shared
            cheap = [nodeid for nodeid, cost in costs.items() if cost.cpu_s <= DEAR_S]
            batches += [(sum((costs[nodeid] for nodeid in cheap), shared), name, cheap)] if cheap else []
            batches += [
                (cost + shared, name, [nodeid]) for nodeid, cost in costs.items() if cost.cpu_s > DEAR_S
            ]
        stage, left_s = Stage({}, NOTHING), budget_s
        for _, name, batch in sorted(batches):
            nodeids, cost = self._affordable(name, batch, left_s)
            if not nodeids:
                continue
            left_s -= cost.cpu_s
            if stage.nodeids and stage.cost.cpu_s + cost.cpu_s > STAGE_S:
                yield stage
                stage = Stage({}, NOTHING)
            stage = Stage({**stage.nodeids, **dict.fromkeys(nodeids, name)}, stage.cost + cost)
        if stage.nodeids:
            yield stage

    def _affordable(self, name: str, batch: Sequence[str], left_s: float) -> tuple[list[str], Cost]:
        """The first tests of a batch, as far as the time is enough for them and what they share."""
        taken, total = [], self.files[name].shared
        for nodeid in batch:
            cost = total + self.files[name].costs[nodeid]
            if cost.cpu_s > left_s:
                break
            taken.append(nodeid)
            total = cost
        return taken, total


@dataclass(frozen=True, slots=True)
class Stage:
    """Tests that are asked in one session."""

    nodeids: Mapping[str, str]  # and the file of each
    cost: Cost


def test_files(tree: Path) -> list[str]:
    """The files of tests in the tree that mutants may be judged by."""
    found = [
        path.relative_to(tree).as_posix() for folder in FOLDERS for path in (tree / folder).rglob("test_*.py")
    ]
    return sorted(name for name in found if not any(part in name for part in LEFT_OUT))
