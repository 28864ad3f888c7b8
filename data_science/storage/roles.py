"""Which version serves, which waits, which are held: small files, changed together or not at all.

A change first says what it will do (``.pending``), then replaces the one file that commits it, then the
others, then writes its line into the history. Whoever comes next finishes what a killed process began, or
drops it. Changes when there is another role, or when that order changes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data_science.errors import ArtifactError
from data_science.storage import history
from data_science.storage.history import Line
from data_science.storage.layout import CANDIDATE, LATEST, NAME, UNFINISHED
from data_science.storage.version_files import canonical, parse_json, read_small, sync, write_durably

HELD, PENDING = "HELD.json", ".pending"
_ATTEMPTS = 100  # how often a reader looks again while others write
ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True)
class Roles:
    """What the files of a folder say."""

    champion: str | None = None  # what serves: LATEST
    candidate: str | None = None  # waits for its promotion
    held: Mapping[str, str] = field(default_factory=dict)  # version: why it is kept

    @property
    def waits_for_a_person(self) -> bool:
        """Whether a training must not replace what serves: rolled back to, held, or in question."""
        rolled_back = any(why.startswith(ROLLED_BACK) for why in self.held.values())
        return rolled_back or self.candidate is not None or self.champion in self.held

    def content(self, name: str) -> bytes | None:
        """Return what a file has to hold; None: it does not exist."""
        if name == HELD:
            return canonical(self.held) if self.held else None
        version = self.champion if name == LATEST else self.candidate
        return None if version is None else f"{version}\n".encode()


def seen(folder: Path) -> tuple[Roles, list[Line]]:
    """Return roles and history as of one moment, without a lock and without writing.

    Raises
    ------
    ArtifactError
        If a file cannot be read.
    """
    for _ in range(_ATTEMPTS):
        before = _stamp(folder)
        try:
            roles, lines, pending = on_disk(folder), history.read(folder), _pending(folder)
        except ArtifactError:
            if _stamp(folder) == before:
                raise
            continue
        if _stamp(folder) == before:
            if (
                pending is not None
                and _is_committed(folder, pending)
                and not _is_last(lines, pending["line"])
            ):
                if history.follows(lines, pending["line"]):
                    lines.append(pending["line"])
                return _roles(pending["line"]["after"]), lines
            return roles, lines
    raise ArtifactError(f"{folder} changed {_ATTEMPTS} times while it was read. Try again")


def settled(folder: Path) -> tuple[Roles, list[Line]]:
    """Finish or drop what a killed process began, record what was changed by hand; under the lock."""
    pending, lines = _pending(folder), history.read(folder)
    if pending is not None and not _is_last(lines, pending["line"]) and _is_committed(folder, pending):
        _carry_out(folder, _roles(pending["line"]["after"]))
        if history.follows(lines, pending["line"]):  # not if the history was moved away or restored
            history.append(folder, pending["line"])
    _forget_pending(folder)
    roles, lines = on_disk(folder), history.read(folder)
    if roles != (_roles(lines[-1]["after"]) if lines else Roles()):
        found = {"verb": "found", "version": roles.champion, "from": None, "why": "", "evidence": None}
        line = history.next_line(lines, **found, after=asdict(roles))
        history.append(folder, line)
        lines.append(line)
    return roles, lines


def change(folder: Path, lines: list[Line], after: Roles, commits: str, **said: Any) -> Line:
    """Make a change and write its line; under the folder's lock, after `settled`.

    Parameters
    ----------
    folder : Path
    lines : list
        The history so far.
    after : Roles
        What is so afterwards.
    commits : str
        The file whose replacement makes the change: all before it can be dropped, all after it is finished.
    **said
        Verb, version, from, why and evidence of the line.
    """
    line = history.next_line(lines, **said, after=asdict(after))
    _forget_pending(folder)
    write_durably(folder / PENDING, json.dumps({"commits": commits, "line": line}).encode())
    sync(folder)
    _replace(folder, commits, after.content(commits))
    finish(folder, line)
    return line


def finish(folder: Path, line: Line) -> None:
    """Do what follows the commit; if it fails, the next writer does it."""
    sync(folder)
    _carry_out(folder, _roles(line["after"]))
    history.append(folder, line)
    _forget_pending(folder)


def record(folder: Path, lines: list[Line], roles: Roles, **said: Any) -> Line:
    """Write the line of something that changes no role."""
    line = history.next_line(lines, **said, after=asdict(roles))
    history.append(folder, line)
    return line


def on_disk(folder: Path) -> Roles:
    """Return what the files say at this moment."""
    held = {}
    if (data := _read(folder / HELD)) is not None:
        held = {str(name): str(why) for name, why in parse_json(data, folder / HELD).items()}
    return Roles(_named(folder / LATEST), _named(folder / CANDIDATE), held)


def in_question(folder: Path) -> set[str | None]:
    """Return the versions that a person let not serve: the candidate, and what was rolled back."""
    try:
        found = on_disk(folder)
    except ArtifactError:
        return set()
    return {found.candidate, *(name for name, why in found.held.items() if why.startswith(ROLLED_BACK))}


def _named(path: Path) -> str | None:
    """Return the version that a file names; None if it names none, as a file that somebody damaged."""
    try:
        data = _read(path) or b""
    except ArtifactError:
        return None
    name = data.decode("utf-8", errors="backslashreplace").strip()
    return name if NAME.fullmatch(name) else None


def _read(path: Path) -> bytes | None:
    return read_small(path, 2**22) if os.path.lexists(path) else None


def _stamp(folder: Path) -> list[tuple[int, int, int] | None]:
    found: list[tuple[int, int, int] | None] = []
    for name in (PENDING, LATEST, CANDIDATE, HELD, history.HISTORY):
        try:
            status = (folder / name).lstat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_mtime_ns, status.st_size))
    return found


def _pending(folder: Path) -> Any:
    """Return what was about to be done; None if nothing, or if its writer did not come to the end of it."""
    try:
        data = _read(folder / PENDING)
        pending = None if data is None else json.loads(data)
    except (ValueError, RecursionError, ArtifactError):
        return None
    if not isinstance(pending, dict) or not history.is_whole(pending.get("line")):
        return None
    return pending if pending.get("commits") in (LATEST, CANDIDATE, HELD) else None


def _is_committed(folder: Path, pending: dict[str, Any]) -> bool:
    name = pending["commits"]
    after = _roles(pending["line"]["after"])
    return _said_by(folder, name) == _said_by(after, name)


def _said_by(where: Path | Roles, name: str) -> object:
    roles = where if isinstance(where, Roles) else on_disk(where)
    return {LATEST: roles.champion, CANDIDATE: roles.candidate, HELD: dict(roles.held)}[name]


def _is_last(lines: list[Line], line: Line) -> bool:
    return bool(lines) and bool(lines[-1]["sha256"] == line["sha256"])


def _roles(after: Mapping[str, Any]) -> Roles:
    return Roles(after.get("champion"), after.get("candidate"), dict(after.get("held") or {}))


def _carry_out(folder: Path, roles: Roles) -> None:
    found = on_disk(folder)
    for name in (LATEST, CANDIDATE, HELD):
        if _said_by(found, name) != _said_by(roles, name):
            _replace(folder, name, roles.content(name))
    sync(folder)


def _replace(folder: Path, name: str, content: bytes | None) -> None:
    if content is None:
        (folder / name).unlink(missing_ok=True)
        return
    temporary = folder / f"{UNFINISHED}{os.urandom(8).hex()}"
    try:
        write_durably(temporary, content)
        temporary.replace(folder / name)
    finally:
        temporary.unlink(missing_ok=True)


def _forget_pending(folder: Path) -> None:
    (folder / PENDING).unlink(missing_ok=True)
