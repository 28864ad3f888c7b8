"""The files of one version: written durably, read only if they are what the manifest says.

Changes when the rules of trust change. Nothing here interprets a file's content except the manifest's.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from data_science.errors import ArtifactError

MANIFEST = "manifest.json"
# Network and shared folders (CIFS, VirtualBox) do not know how to sync a folder; SQLite continues there, too.
NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
DEEPEST = 64  # levels of nested JSON; a version's own files have ten
SEAL = re.compile(rb'\n "sha256": "([0-9a-f]{64})"(,?)(?=\n)')
STRING = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL
)  # an open one ends it, too: no second attempt
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
SMALL = 2**28  # bytes; larger files are hashed in pieces and never read whole
REMEDY = "Restore the version from a backup or train again; do not edit it"


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the one way in which a document is written, so that every byte of it counts."""
    return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def seal(document: Mapping[str, Any]) -> bytes:
    """Return the document as bytes that contain their own digest, see :func:`unseal`."""
    return canonical({**document, "sha256": hashlib.sha256(canonical(document)).hexdigest()})


def unseal(data: bytes, path: Path) -> dict[str, Any]:
    """Return the document of sealed bytes, or raise an ArtifactError if they were changed.

    What is hashed are the bytes without the line of the digest: to write the document once more would cost a
    stranger's nested lists a thousand times their size.
    """
    if not _is_sealed(data):
        raise ArtifactError(
            f"{path} was changed after it was written: its own digest does not match. {REMEDY}"
        )
    document = parse_json(data, path)
    document.pop("sha256", None)
    return document


def _is_sealed(data: bytes) -> bool:
    found = SEAL.search(data)
    if found is None:
        return False
    # Where the digest was the last entry, the one before it had no comma.
    start = found.start() if found[2] else found.start() - 1
    return hashlib.sha256(data[:start] + data[found.end() :]).hexdigest().encode() == found[1]


def parse_json(data: bytes, path: Path) -> dict[str, Any]:
    """Return the JSON object in ``data``, or raise an ArtifactError that names the file."""
    try:
        text = data.decode("utf-8")
        _require_shallow(data)
        document = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError, MemoryError) as error:
        raise ArtifactError(f"{path} is not JSON ({error}); expected an object. {REMEDY}") from error
    if not isinstance(document, dict):
        raise ArtifactError(f"{path} contains a JSON {type(document).__name__}; expected an object. {REMEDY}")
    return document


def describe_files(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return size and digest of each named file, for the manifest."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        with (folder / name).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        found[name] = {"bytes": (folder / name).stat().st_size, "sha256": digest}
    return found


def audit_files(folder: Path, files: Mapping[str, Any], keep: frozenset[str]) -> dict[str, bytes]:
    """Check that a folder holds exactly the files of the manifest, unchanged; return the content of some.

    Parameters
    ----------
    folder : Path
        The version.
    files : mapping
        ``{name: {"bytes": size, "sha256": digest}}``.
    keep : frozenset of str
        Files whose content is returned: what is parsed later are the very bytes that were checked.

    Raises
    ------
    ArtifactError
        Naming the first file that is missing, foreign, changed or unreadable.
    """
    try:
        there = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise ArtifactError(f"{folder} cannot be listed ({error.strerror}). Check its permissions") from error
    for name in sorted(there - set(files) - {MANIFEST}):
        raise ArtifactError(f"{folder / name} is not in the manifest; expected {sorted(files)}. Move it away")
    contents = {}
    for name, expected in files.items():
        content = read_checked(folder / name, expected["bytes"], expected["sha256"], keep=name in keep)
        if name in keep:
            contents[name] = content
    return contents


def read_checked(path: Path, n_bytes: int, sha256: str, *, keep: bool = True) -> bytes:
    """Return a file's content, or b"" unless it is to be kept, if size and digest are as expected."""
    digest, size, pieces = hashlib.sha256(), 0, []
    with _open_regular(path) as stream:
        found = os.fstat(stream.fileno()).st_size
        if found != n_bytes:
            raise ArtifactError(
                f"{path} has {found} bytes; expected {n_bytes}: it was truncated or edited. {REMEDY}"
            )
        while piece := _read(stream, path):
            digest.update(piece)
            size += len(piece)
            pieces += [piece] if keep else []
    if size != n_bytes or digest.hexdigest() != sha256:
        raise ArtifactError(
            f"{path} was changed after training, or belongs to another version: its sha256 is "
            f"{digest.hexdigest()[:12]}..., expected {str(sha256)[:12]}.... {REMEDY}"
        )
    return b"".join(pieces)


def read_small(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes."""
    with _open_regular(path) as stream:
        if (size := os.fstat(stream.fileno()).st_size) > limit:
            raise ArtifactError(f"{path} has {size} bytes; expected at most {limit}. {REMEDY}")
        return _read(stream, path)


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file and return when a power cut would not lose it."""
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def make_folder(folder: Path) -> None:
    """Make a folder, and what is missing above it, and return when a power cut would not lose it."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in reversed(missing):
        with suppress(PermissionError):  # a folder may be written by who may not list, and so not open, it
            sync(path.parent)


def sync(path: Path) -> None:
    """Return when a file's content, or a folder's list of names, is on disk as far as its system can tell."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC or not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise
    finally:
        os.close(descriptor)


def _open_regular(path: Path) -> Any:
    try:
        # A link may lead out of the folder, and opening a pipe would block forever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing. {REMEDY}") from error
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        raise ArtifactError(
            f"{path} cannot be read ({reason}). Check what it is and its permissions"
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ArtifactError(f"{path} is not a regular file. {REMEDY}")
    return os.fdopen(descriptor, "rb")


def _read(stream: Any, path: Path) -> bytes:
    try:
        return bytes(stream.read(SMALL))
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}). Check the volume") from error


def _require_shallow(data: bytes) -> None:
    """Refuse nesting before it is parsed, which would take a hundred times its size."""
    brackets = STRING.sub(b"", data).translate(None, NO_BRACKETS)
    for _ in range(DEEPEST):
        before, brackets = brackets, brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return
        if brackets == before:
            break
    raise ValueError(f"it is nested deeper than {DEEPEST} levels, or its brackets do not match")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:20]} is too large for a number")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
