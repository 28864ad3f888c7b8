"""HISTORY.jsonl of a folder of versions: one line for every change, each sealed to the one before.

The digests find a change by accident or by hand; they are no signature. Changes when a line says
something else.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from data_science.errors import ArtifactError
from data_science.storage.version_files import read_small

HISTORY = "HISTORY.jsonl"
LARGEST = 2**27  # bytes; half a million changes
Line = dict[str, Any]


def next_line(lines: list[Line], **said: Any) -> Line:
    """Return what was said as the line that follows ``lines``."""
    from datetime import UTC, datetime

    line = {
        "seq": lines[-1]["seq"] + 1 if lines else 0,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **said,
        "by": _by(),
        "previous": lines[-1]["sha256"] if lines else None,
    }
    return {**line, "sha256": _digest(line)}


def is_whole(line: object) -> bool:
    """Whether this is a line that nobody changed."""
    return (
        isinstance(line, dict)
        and type(line.get("seq")) is int
        and isinstance(line.get("after"), dict)
        and line.get("sha256") == _digest({key: value for key, value in line.items() if key != "sha256"})
    )


def follows(lines: list[Line], line: Line) -> bool:
    """Whether a whole line is the next one after ``lines``."""
    last = (lines[-1]["seq"] + 1, lines[-1]["sha256"]) if lines else (0, None)
    return (line["seq"], line.get("previous")) == last


def read(folder: Path) -> list[Line]:
    """Return every line, oldest first; what a killed writer left of a last one is none.

    Raises
    ------
    ArtifactError
        If a line was changed, or one is missing between others.
    """
    return _parsed(folder / HISTORY)[0]


def append(folder: Path, line: Line) -> None:
    """Add a line that lasts; half a line at the end is overwritten."""
    _, end = _parsed(folder / HISTORY)
    descriptor = os.open(folder / HISTORY, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.truncate(end)
        file.seek(end)
        file.write(json.dumps(line, sort_keys=True, allow_nan=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _parsed(path: Path) -> tuple[list[Line], int]:
    """Return the lines, and where the last whole one ends."""
    if not os.path.lexists(path):
        return [], 0
    data = read_small(path, LARGEST)
    lines: list[Line] = []
    end = 0
    for number, text in enumerate(data.splitlines(keepends=True), 1):
        line = _line(text)
        if not (is_whole(line) and follows(lines, line)):
            if end + len(text) == len(data) and not text.endswith(b"\n"):
                break  # the writer was killed, and says it again
            raise ArtifactError(
                f"{path}, line {number}, was changed, or does not follow the one before. Restore the "
                "file from a backup, or move it away: a new history begins with what serves now"
            )
        lines.append(line)
        end += len(text)
    return lines, end


def _line(text: bytes) -> Any:
    try:
        return json.loads(text) if text.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None


def _digest(line: Line) -> str:
    return hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()


def _by() -> dict[str, str]:
    """Return who changes the folder, as well as the machine knows."""
    import getpass
    import socket

    from data_science._version import __version__

    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's number without a name
        user = str(os.getuid())
    return {"user": user, "host": socket.gethostname(), "program": f"data-science {__version__}"}
