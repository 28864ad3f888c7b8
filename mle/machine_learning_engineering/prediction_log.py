"""A durable log of predictions with group commit: one fsync for all who wait; changes with its promise.

The promise: when `append` returns, or the awaitable of `append_async` does, the record survives ``kill -9``
and a power cut. A record that was never acknowledged may or may not be in the log.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from machine_learning_engineering.errors import PredictionLogError
from machine_learning_engineering.records import Prediction, lines, open_text
from machine_learning_engineering.segments import SegmentWriter, expanded

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType

SEGMENT_BYTES = 64 * 2**20  # about 350,000 records of five features

_shared: dict[Path, PredictionLog] = {}
_shared_lock = threading.Lock()
_logs: weakref.WeakSet[PredictionLog] = weakref.WeakSet()


class PredictionLog:
    """Append-only log in a folder; safe with many threads, event loops and processes, and across fork.

    Parameters
    ----------
    folder : path
        Created by the first append.
    segment_bytes : int
        A segment that has reached this size is closed and the next one started. Closed segments may be
        archived or deleted by the operator at any time.
    """

    def __init__(self, folder: str | Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        if segment_bytes < 1:
            raise ValueError(f"segment_bytes is {segment_bytes!r}; expected at least 1")
        self.folder = expanded(folder)
        self.segment_bytes = segment_bytes
        self._start_afresh()
        _logs.add(self)

    def append(self, prediction: Prediction) -> None:
        """Store one prediction; returns when it is on disk.

        Raises
        ------
        PredictionLogError
            If it could not be stored: disk full, folder not writable, log closed.
        """
        text = _encoded(prediction)
        with self._changed:
            group = self._joined_group()
            group.texts.append(text)
        group.done.wait()
        if group.error is not None:
            raise _not_stored(self.folder, group.error) from group.error

    async def append_async(self, prediction: Prediction) -> None:
        """Store one prediction as `append` does, without blocking the event loop."""
        from asyncio import get_running_loop  # whoever is here has a loop; others need not import asyncio

        text = _encoded(prediction)
        loop = get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        with self._changed:
            group = self._joined_group()
            group.texts.append(text)
            group.futures.setdefault(loop, []).append(stored)
        await stored

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """Commit what is waiting and close the segment; later appends raise PredictionLogError."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            committer = self._committer
        if committer is not None:
            committer.join()

    def reopen(self) -> None:
        """Begin a new segment with the next record, as daemons do on SIGHUP; safe in a signal handler."""
        self._reopening = True

    def __enter__(self) -> PredictionLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start_afresh(self) -> None:
        # Also what a forked child does: the parent's thread does not exist there, its lock may be held by
        # nobody, and its segment belongs to the parent.
        self._changed = threading.Condition()
        self._waiting: _Group | None = None
        self._closed = False
        self._reopening = False
        self._committer: threading.Thread | None = None

    def _joined_group(self) -> _Group:
        """Return the group that commits next; the caller holds the lock."""
        if self._closed:
            raise PredictionLogError(
                f"the log in {self.folder} is closed; open a new PredictionLog to append"
            )
        if self._waiting is None:
            self._waiting = _Group()
            if self._committer is None:
                self._committer = threading.Thread(
                    target=self._commit_groups, name="prediction-log", daemon=True
                )
                self._committer.start()
            self._changed.notify()
        return self._waiting

    def _commit_groups(self) -> None:
        writer = self._open_writer()
        while (group := self._next_group()) is not None:
            try:
                if self._reopening:
                    self._reopening = False
                    writer.close()
                writer.append(partial(lines, group.texts))
            except Exception as error:  # noqa: BLE001 - whatever it was, every waiter must be told
                group.error = error
            group.finish(self.folder)
        writer.close()

    def _open_writer(self) -> SegmentWriter:
        return SegmentWriter(self.folder, self.segment_bytes)

    def _next_group(self) -> _Group | None:
        """Wait for records and take them all; None once closed and empty."""
        with self._changed:
            while self._waiting is None and not self._closed:
                self._changed.wait()
            group, self._waiting = self._waiting, None
            return group


class _Group:
    """Records committed by one write and one fsync, and who waits for them."""

    __slots__ = ("done", "error", "futures", "texts")

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.done = threading.Event()
        self.futures: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        self.error: Exception | None = None

    def finish(self, folder: Path) -> None:
        """Wake every waiter, each event loop with one call."""
        self.done.set()
        for loop, futures in self.futures.items():
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody is waiting any more
                loop.call_soon_threadsafe(_resolve, futures, folder, self.error)


def _resolve(futures: list[asyncio.Future[None]], folder: Path, error: Exception | None) -> None:
    for future in futures:
        if future.done():  # its task was cancelled; the record is stored all the same
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(_not_stored(folder, error))


def storage_folder() -> Path:
    """Folder named by ``MLE_STORAGE``, by default ``~/mle_storage``."""
    return expanded(os.environ.get("MLE_STORAGE") or "~/mle_storage")


def shared_log(folder: Path | None = None) -> PredictionLog:
    """Return this process's log of ``folder`` (default `storage_folder`), opened on first use."""
    key = (folder or storage_folder()).absolute()
    with _shared_lock:
        log = _shared.get(key)
        if log is None or log.closed:
            log = _shared[key] = PredictionLog(key)
        return log


def _encoded(prediction: Prediction) -> bytes:
    try:
        return open_text(prediction)
    except (TypeError, ValueError) as error:
        raise PredictionLogError(
            f"the prediction for client {prediction.idx!r} cannot be written as JSON: {error}; "
            "expected numbers, text, booleans or None (records.plain_features makes them)"
        ) from error


def _not_stored(folder: Path, error: Exception) -> PredictionLogError:
    reason = getattr(error, "strerror", None) or repr(error)
    return PredictionLogError(
        f"the prediction was not stored in {folder}: {reason}; it must not be acknowledged. "
        "Free space or make the folder writable for this user, or set MLE_STORAGE to one that is; "
        "the next prediction tries again"
    )


def _forget_inherited_state() -> None:
    global _shared_lock
    _shared_lock = threading.Lock()
    for log in _logs:
        log._start_afresh()


os.register_at_fork(after_in_child=_forget_inherited_state)
