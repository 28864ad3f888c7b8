"""Whether a folder of models can be written: asked before the wait and the fit; how a failure is reported.

Changes when what an operator must know about a folder that cannot be written changes.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_science.errors import ArtifactError
from data_science.storage import roles
from data_science.storage.folder_lock import LOCK, open_lock
from data_science.storage.history import HISTORY
from data_science.storage.layout import CANDIDATE, LATEST, UNFINISHED, home
from data_science.storage.version_files import make_folder, sync
from data_science.storage.versions import require_holder

TRIAL = 2**16  # bytes; any version takes more, so that a disk without them is too full for each


def require_writable(folder: str | Path) -> None:
    """Return if a file could be written in the folder, which is made if it does not exist; nothing is left.

    Raises
    ------
    ArtifactError
        Naming the folder, why it cannot be written, and what to do.
    """
    import tempfile

    folder = home(folder)
    require_holder(folder)
    with writing_to(folder):
        make_folder(folder)
        if os.path.lexists(folder / LOCK):
            os.close(open_lock(folder))  # another user's lock would stop the save, too
        for name in (LATEST, CANDIDATE, roles.HELD, roles.PENDING):
            _require_replaceable(folder / name)
        if os.path.lexists(folder / HISTORY):
            os.close(os.open(folder / HISTORY, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK))
        roles.seen(folder)  # a history that was changed would stop the save, too
        try:
            with tempfile.TemporaryFile(dir=folder, prefix=UNFINISHED) as trial:
                trial.write(bytes(TRIAL))
                trial.flush()
                os.fsync(trial.fileno())
            sync(folder)
        except OSError as error:  # the trial's own name says nothing to anybody
            raise OSError(error.errno, error.strerror, str(folder)) from error


def _require_replaceable(path: Path) -> None:
    """Refuse a file that only its owner may replace, as in a sticky folder, or a folder in its place."""
    try:
        found, around = path.lstat(), path.parent.stat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if around.st_mode & stat.S_ISVTX and os.geteuid() not in (0, found.st_uid, around.st_uid):
        raise PermissionError(errno.EPERM, "only its owner may replace it in a sticky folder", str(path))


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say which folder could not be written, and what to do."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise ArtifactError(
            f"{error.filename or folder} could not be written (a file is in its place, or above it); "
            f"nothing was saved. Move the file away, or name another folder than {folder}"
        ) from error
    except OSError as error:
        raise ArtifactError(
            f"{error.filename or folder} could not be written ({error.strerror}); nothing was saved. "
            f"Check the permissions and the free space of {folder}"
        ) from error
