"""Changing a folder of versions under a lock, one process at a time: publish, tidy, prune.

The time in a name is always later than that of every version there: even a clock set back makes no older
model the newest.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_science.errors import ArtifactError
from data_science.storage import roles
from data_science.storage.folder_lock import locked
from data_science.storage.layout import (
    CANDIDATE,
    LATEST,
    TRASH,
    duel_records,
    is_version,
    listed,
    read_latest,
)
from data_science.storage.layout import UNFINISHED as SAVING
from data_science.storage.roles import Roles
from data_science.storage.succession import protected
from data_science.storage.version_files import sync

if TYPE_CHECKING:
    from datetime import datetime

    from data_science.storage.history import Line

Role = Literal["champion", "candidate"]

STAMP = "%Y%m%dT%H%M%SZ"


def require_holder(folder: Path) -> None:
    """Refuse one version where the folder of versions belongs: what a writer leaves in it would damage it."""
    if is_version(folder):
        raise ArtifactError(f"{folder} is one version; expected the folder that holds it")


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Give a private folder to write a version in; it is removed afterwards unless it was published."""
    import fcntl

    require_holder(folder)
    with locked(folder):
        _sweep(folder)
        path = folder / f"{SAVING}{os.urandom(8).hex()}"
        path.mkdir()
        # Held until this process ends, however it ends: so others can tell a living writer's folder.
        descriptor = os.open(path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield path
    finally:
        os.close(descriptor)
        shutil.rmtree(path, ignore_errors=True)


def publish(
    work: Path,
    folder: Path,
    suffix: str,
    now: datetime,
    finish: Callable[[str], None],
    keep: int,
    is_good: Callable[[Path], bool],
    role: Role | None = None,
    why: str = "",
) -> Path:
    """Make the finished work a version that serves, or that waits for its promotion: all of it, or nothing.

    Once it has its role nothing is raised: what fails after that is a warning, for the version is stored.

    Parameters
    ----------
    work : Path
        A `workplace` in ``folder``.
    suffix : str
        Six hexadecimal digits that end the name.
    now : datetime
        Time of saving, UTC.
    finish : callable
        Called with the version's name before it becomes visible, to write what depends on the name.
    keep : int
        How many of the newest good versions are kept.
    is_good : callable
        Whether a version counts for ``keep``.
    role : {"champion", "candidate"}, optional
        By default it serves, unless a person's decision would be undone by that: after a rollback, while a
        candidate waits, or if what serves is held.
    why : str
        Of the history's line.
    """
    with locked(folder):
        before, lines = roles.settled(folder)
        waits = before.waits_for_a_person if role is None else role == "candidate"
        name = f"{_next_stamp(folder, now)}-{suffix}"
        finish(name)
        sync(work)
        after = replace(before, candidate=name) if waits else replace(before, champion=name)
        _commit(work, folder, name, lines, before, after, why)
        _tidy(folder, name, keep, is_good)
        if waits:
            _say_that_it_waits(folder, name, before.champion)
    return folder / name


def _next_stamp(folder: Path, now: datetime) -> str:
    from datetime import datetime, timedelta

    stamp = now.strftime(STAMP)
    for name in listed(folder):
        newest = name.partition("-")[0]
        if stamp > newest:
            break
        with suppress(ValueError, OverflowError):  # it looks like a version, but there is no such time
            after = datetime.strptime(newest, STAMP) + timedelta(seconds=1)  # noqa: DTZ007 - the Z is a letter
            return after.strftime(STAMP)
    return stamp


def _commit(
    work: Path, folder: Path, name: str, lines: list[Line], before: Roles, after: Roles, why: str
) -> None:
    """Give the work its name and its role; on any error before that it has neither."""
    commits = CANDIDATE if after.candidate == name else LATEST
    said = {"verb": "train", "version": name, "from": before.champion, "why": why, "evidence": None}
    try:
        work.rename(folder / name)
        sync(folder)
        roles.change(folder, lines, after, commits, **said)
    except BaseException as error:
        if name not in _named_by(folder):  # an interrupt may come after the deed
            _withdraw(work, folder, name)
            raise
        import logging

        logging.getLogger(__name__).warning(
            "version %s is stored and has its role, but the history could not be written (%s). The next "
            "training or promotion finishes that; check the permissions and the free space of %s",
            name, str(error) or type(error).__name__, folder,
        )  # fmt: skip


def _named_by(folder: Path) -> tuple[str | None, str | None]:
    """Return what LATEST and CANDIDATE name."""
    found = roles.on_disk(folder)
    return found.champion, found.candidate


def _say_that_it_waits(folder: Path, name: str, champion: str | None) -> None:
    import logging

    logging.getLogger(__name__).warning(
        "version %s is stored as candidate, and %s: promote it (data-science promote --models %s), or store "
        "as champion",
        name, "nothing serves" if champion is None else "what served before still serves", folder,
    )  # fmt: skip


def _withdraw(work: Path, folder: Path, name: str) -> None:
    try:
        (folder / name).rename(work)
    except FileNotFoundError:
        return  # it never had its name
    except OSError as error:
        raise ArtifactError(
            f"{folder / name} was written, but {LATEST} could not be updated to name it, and it could not be "
            f"removed again ({error.strerror}). The version served before is still served; "
            "remove this one, check the permissions and the free space of the folder, and train again"
        ) from error


def _tidy(folder: Path, name: str, keep: int, is_good: Callable[[Path], bool]) -> None:
    """Do what comes after the new version is the newest; whatever happens here, it stays the newest."""
    import logging  # slow to import, and seldom needed

    try:
        sync(folder)
    except OSError as error:
        logging.getLogger(__name__).warning(
            "version %s is stored and is the newest, but %s could not be synced (%s): after a power cut now, "
            "the previous version may be the newest again. Check the volume",
            name,
            folder,
            error.strerror,
        )
    try:
        now, lines = roles.settled(folder)
        removed = prune(folder, keep, is_good, protected(listed(folder), lines, now))
        if removed:
            record_prune(folder, lines, now, said_of_prune(now, removed, f"keep {keep}"))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with an old version, the new one is stored
        logging.getLogger(__name__).warning(
            "version %s is stored and is the newest, but the removal of older versions did not finish (%s). "
            "Those still there do no harm; remove those you do not need by hand",
            name,
            error,
        )


def said_of_prune(now: Roles, removed: list[str], why: str) -> dict[str, Any]:
    """Return what the history says of a removal."""
    evidence = {"removed": removed}
    return {"verb": "prune", "version": None, "from": now.champion, "why": why, "evidence": evidence}


def record_prune(folder: Path, lines: list[Line], now: Roles, said: dict[str, Any]) -> Line:
    """Write the line of a removal that was made.

    Raises
    ------
    ArtifactError
        If the history cannot be written; it says what was removed all the same.
    """
    try:
        return roles.record(folder, lines, now, **said)
    except OSError as error:
        raise ArtifactError(
            f"the prune removed {', '.join(said['evidence']['removed']) or 'nothing'}, but the history could "
            f"not be written, and does not say so ({error.strerror or error}). Check the permissions and the "
            f"free space of {folder}"
        ) from error


def prune(
    folder: Path,
    keep: int,
    is_good: Callable[[Path], bool],
    spared: frozenset[str] = frozenset(),
    dry_run: bool = False,
) -> list[str]:
    """Remove what is older than the newest ``keep`` good versions, but no spared one and not what serves.

    The records of their duels go with them.

    Returns
    -------
    list of str
        The versions that were removed, or would be. None while no LATEST says what serves.
    """
    if not os.path.lexists(folder / LATEST):
        return []
    latest, n_good, removed = read_latest(folder), 0, []
    for name in listed(folder):
        if n_good >= keep and name != latest and name not in spared:
            removed.append(name)
            if not dry_run:
                # A reader must find a version whole or not at all, so it first loses its name.
                trash = folder / f"{TRASH}{name}"
                (folder / name).rename(trash)
                shutil.rmtree(trash, ignore_errors=True)
                for record in duel_records(folder, name):  # which nobody can go on with
                    _remove(record)
        else:
            n_good += is_good(folder / name)
    return removed


def _sweep(folder: Path) -> None:
    """Remove what killed processes left behind."""
    import fcntl

    for entry in list(os.scandir(folder)):
        if entry.name.startswith(TRASH) or (entry.name.startswith(SAVING) and entry.is_symlink()):
            _remove(Path(entry.path))
        elif entry.name.startswith(SAVING):
            with suppress(OSError):  # a living process holds it, or has just removed it
                descriptor = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe's would block forever
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(Path(entry.path))
                finally:
                    os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
