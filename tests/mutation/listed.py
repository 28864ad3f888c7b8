"""Mutants that people have written down: those that must die, and those that nothing could tell apart."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .candidates import candidates
from .mutant import Mutant

HERE = Path(__file__).parent


class AnchorError(LookupError):
    """An entry of a list does not say where in the tree it is."""


def named(tree: Path) -> tuple[dict[str, Mutant], list[str]]:
    """The mutants of ``named.toml`` by what they are called, and a complaint for each whose text is not there exactly once."""
    found: dict[str, Mutant] = {}
    complaints = []
    for entry in tomllib.loads((HERE / "named.toml").read_text())["mutant"]:
        try:
            mutant = _anchored(tree, entry)
        except AnchorError as error:
            complaints.append(str(error))
        else:
            found[f"{mutant.file}:{mutant.line} {entry['name']}: {entry['feels']}"] = mutant
    return found, complaints


def _anchored(tree: Path, entry: Mapping[str, str]) -> Mutant:
    file, old, new = entry["file"], entry["old"], entry["new"]
    try:
        content = (tree / file).read_text(encoding="utf-8")
    except FileNotFoundError:
        content = ""
    if (count := content.count(old)) != 1:
        raise AnchorError(
            f"{entry['name']}: {old!r} is {count} times in {file}; expected once. Change named.toml with the code"
        )
    start = len(content[: content.index(old)].encode())
    line = content[: content.index(old)].count("\n") + 1
    lines = (line, line + old.rstrip("\n").count("\n"))
    near = [m for m in candidates(tree, file) if m.statement[0] <= lines[1] and m.statement[1] >= lines[0]]
    at_import = bool(near) and all(m.runs_at_import for m in near)
    statement = (
        min([lines[0], *(m.statement[0] for m in near)]),
        max([lines[1], *(m.statement[1] for m in near)]),
    )
    text = content.splitlines()[line - 1].strip()
    end = start + len(old.encode())
    return Mutant(file, "", "by hand", text, old, new, 1, start, end, line, statement, at_import)


def equivalents() -> dict[tuple[Any, ...], str]:
    """The reasons of ``equivalent.toml`` by the mutants' keys."""
    entries = tomllib.loads((HERE / "equivalent.toml").read_text()).get("mutant", [])
    fields = ("file", "function", "operator", "text", "before", "after")
    return {(*(e[field] for field in fields), e.get("occurrence", 1)): e["reason"] for e in entries}
