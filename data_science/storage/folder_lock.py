"""The lock of a models folder: one process at a time changes the folder. Changes with the lock's own rules.

The system releases it when its process ends, however it ends. Readers never take it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_science.errors import ArtifactError

LOCK = ".lock"
PATIENCE_S = 600.0  # a save holds it for seconds; to give up early would throw a whole fit away
SAID_AFTER_S = 5.0
LOOK_S = 0.02


@contextmanager
def locked(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the folder's lock.

    Raises
    ------
    ArtifactError
        If its path is not a regular file, or another process holds it for longer than ``patience_s``.
    """
    descriptor = open_lock(folder)
    try:
        _wait_for(descriptor, folder / LOCK, patience_s)
        yield
    finally:
        os.close(descriptor)


def open_lock(folder: Path) -> int:
    """Return a descriptor of the folder's lock file, made if it does not exist, without waiting.

    Raises
    ------
    ArtifactError
        If it is a link, which might lead anywhere, a pipe, a folder or anything but a regular file.
    """
    path = folder / LOCK
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise _no_lock(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_lock(path)
    return descriptor


def _no_lock(path: Path) -> ArtifactError:
    return ArtifactError(
        f"{path} is a link, a pipe, a folder or a device; expected a regular file; nothing was "
        "saved. Remove it"
    )


def _wait_for(descriptor: int, path: Path, patience_s: float) -> None:
    import fcntl  # only writers need it, and it exists on POSIX systems only
    import time

    began, said = time.monotonic(), False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited_s = time.monotonic() - began
        else:
            return
        if waited_s >= SAID_AFTER_S and not said:
            import logging

            said = True
            logging.getLogger(__name__).warning(
                "waiting up to %g s for another process that holds %s", patience_s, path
            )
        if waited_s >= patience_s:
            raise ArtifactError(
                f"{path} was held by another process for {patience_s:g} s; nothing was saved. Find it "
                f"(fuser {path}), stop it and try again"
            )
        time.sleep(LOOK_S)
