"""What a power cut is sure to leave: only what was synced, found by watching `os.fsync`.

A killed process leaves the page cache behind, so tests that kill see no missing `fsync`; this does.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Move:
    """A file or folder that got another name, and what a power cut just before would have left."""

    target: Path
    lasting: dict[str, bytes]  # of what was moved
    beside: dict[str, bytes]  # of the folder it was moved into


class Disk:
    """Watches a process's syncs; a file lasts with its content, a folder with its names, as last synced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self.moves: list[Move] = []
        fsync = os.fsync

        def watched_fsync(descriptor: int) -> None:
            fsync(descriptor)
            self._note(os.stat(descriptor).st_ino, Path(f"/proc/self/fd/{descriptor}"))

        monkeypatch.setattr(os, "fsync", watched_fsync)
        for name in ("rename", "replace"):
            monkeypatch.setattr(os, name, self._watched(getattr(os, name)))

    def lasting(self, path: Path) -> dict[str, bytes]:
        """Return the files that a power cut now is sure to leave of a file or folder that is still found."""
        return dict(self._walk(path.stat().st_ino, ""))

    def _note(self, inode: int, path: Path) -> None:
        if stat.S_ISDIR(path.stat().st_mode):
            self._names[inode] = {entry.name: entry.inode() for entry in os.scandir(path)}
        else:
            self._contents[inode] = path.read_bytes()

    def _walk(self, inode: int, name: str) -> Iterator[tuple[str, bytes]]:
        if inode in self._contents:
            yield name, self._contents[inode]
        for entry, of in self._names.get(inode, {}).items():
            yield from self._walk(of, f"{name}/{entry}" if name else entry)

    def _watched(self, move):
        def watched(source, target):
            source, target = Path(source), Path(target)
            self.moves.append(Move(target, self.lasting(source), self.lasting(target.parent)))
            move(source, target)

        return watched


def present(path: Path) -> dict[str, bytes]:
    """Return every file of a file or folder, by its name within it."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
