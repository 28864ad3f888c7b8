r"""Files of a prediction log: one writer per file, appended and synced; changes when the layout on disk does.

A storage folder holds ``predictions-<time>-<pid>-<n>.jsonl`` segments. Each is created by one process and
appended to by that process only, so writers never lock each other out. A crash can leave one torn line,
at the end of a segment, without its ``\n``.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from machine_learning_engineering.errors import PredictionLogError

PATTERN = "predictions-*.jsonl"
# Network and shared folders (CIFS, VirtualBox) do not know how to sync a folder; SQLite continues there, too.
NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
_serial = itertools.count()


class SegmentWriter:
    """Appends blocks of whole lines durably, starting a new segment beyond ``segment_bytes``.

    Not safe for concurrent use: the log's committer is its only caller.
    """

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        self.folder = folder
        self.segment_bytes = segment_bytes
        self.path: Path | None = None  # of the open segment
        self._descriptor = -1
        self._size = 0  # bytes known to be on disk
        self._n_lines = 0  # in them

    def append(self, block: bytes | Callable[[int], bytes]) -> None:
        """Write and sync a block; on OSError none of it is left behind, if the disk still responds.

        It may be made of the number of lines that stand before it in its segment.
        """
        try:
            if self._descriptor < 0 or self._size >= self.segment_bytes or self._was_taken_away():
                self._start_segment()
            if not isinstance(block, bytes):
                block = block(self._n_lines)
            _write_all(self._descriptor, block)
            os.fsync(self._descriptor)
        except BaseException:
            # After a failed fsync the kernel may have dropped the pages and forgotten the error
            # (Rebello et al. 2020, "Can applications recover from fsync failures?"), so this file is not
            # trusted again: cut it back to what was acknowledged and go to a new one. No more is a segment
            # whose folder could not be synced: a power cut may lose it with all that it would hold.
            with contextlib.suppress(OSError):
                self._take_back()
            self.close()
            raise
        self._size += len(block)
        self._n_lines += block.count(b"\n")

    def close(self) -> None:
        """Close the open segment; the next `append` starts another."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _take_back(self) -> None:
        if self._descriptor < 0:
            return
        os.ftruncate(self._descriptor, self._size)
        if self._size == 0 and self.path is not None and not self._was_taken_away():
            self.path.unlink()  # a full disk would be strewn with empty segments, one for each refusal

    def _was_taken_away(self) -> bool:
        # Deleted or moved, or its folder was: writing on would succeed, and what is acknowledged would be
        # lost with the last descriptor, or follow the file to where nobody looks.
        try:
            return self.path is None or not os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except OSError:
            return True

    def _start_segment(self) -> None:
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / f"predictions-{time.time_ns():020d}-{os.getpid()}-{next(_serial)}.jsonl"
        # Readable by its owner and group only: the log holds what clients told us.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o640)
        self._size = self._n_lines = 0
        sync_folder(self.folder)  # otherwise a power cut can lose the file with its synced content


def expanded(folder: str | Path) -> Path:
    """Return the path with ``~`` expanded as a shell would: no shell reads an env file.

    Raises
    ------
    PredictionLogError
        If there is no such home folder.
    """
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        raise PredictionLogError(
            f"{str(folder)!r} names a home folder that does not exist here ({error}). "
            "Set MLE_STORAGE to a path that begins with /"
        ) from error


def segments(folder: Path) -> list[Path]:
    """Segments in the folder, oldest first."""
    return sorted(folder.glob(PATTERN))


def try_to_store(folder: Path) -> None:
    """Do in a folder all that a first prediction needs, leaving nothing; raise the OSError it would meet."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the folder's directory entries durable, as far as its system can tell."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:  # a disk that fills up mid-block writes a part first and fails on the next call
        view = view[os.write(descriptor, view) :]


def replace_file(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, whole and durable or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{next(_serial)}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
