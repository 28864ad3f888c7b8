"""What runs on the same code have found, as far as the tests that found it are still the same."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .tests_of import Trace, Traces, test_files


class Kept:
    """The folder of a tree's runs, named by its code and by what its tests share.

    A file of tests that is changed is traced again, alone. A mutant that a test has killed stays dead while
    that test's file is the same; about a survivor every new test may know more.
    """

    def __init__(self, tree: Path) -> None:
        judges = {name: _digest(tree, [tree / name]) for name in test_files(tree)}
        others = (path for path in _sources(tree) if path.relative_to(tree).as_posix() not in judges)
        self.folder = tree / ".mutation_cache" / _digest(tree, others)
        self._judges = judges
        self._all = _digest(tree, [tree / name for name in judges])

    def forget(self) -> None:
        """Remove what is kept."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def traces(self) -> Traces:
        """The map of the files of tests that are as they were when they were traced."""
        path = self.folder / "map.json"
        stored = Traces.read(path).files if path.exists() else {}
        return Traces({name: file for name, file in stored.items() if self._judges.get(name) == file.digest})

    def add_trace(self, seen: Traces, name: str, file: Trace) -> Traces:
        """Keep one file's trace; return the map with it."""
        seen = Traces({**seen.files, name: replace(file, digest=self._judges[name])})
        self.folder.mkdir(parents=True, exist_ok=True)
        seen.write(self.folder / "map.json")
        return seen

    def results(self, budget_s: float) -> dict[str, dict[str, Any]]:
        """What became of mutants, by what they are called, but for survivors of a smaller budget."""
        path = self.folder / "results.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        known = [json.loads(line) for line in lines]
        return {
            r["shown"]: r
            for r in known
            if r.pop("judges") == self._witness(r)
            and (r["status"] != "survived" or r["budget_s"] >= budget_s)
        }

    def add_result(self, result: Mapping[str, Any]) -> None:
        """Keep what became of one mutant."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "results.jsonl").open("a") as stream:
            stream.write(json.dumps({**result, "judges": self._witness(result)}) + "\n")

    def _witness(self, result: Mapping[str, Any]) -> str:
        return self._judges.get(result["by"].partition("::")[0], self._all)


def _digest(tree: Path, paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.relative_to(tree).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _sources(tree: Path) -> Iterator[Path]:
    for folder in ("data_science", "de", "deployment", "mle", "book", "tests"):
        yield from (p for p in (tree / folder).rglob("*.py") if "mutation" not in p.parts)
    yield from tree.glob("*.py")
