"""A folder of versions as its readers see it: names, their order, and which one LATEST names.

Changes when the layout of the models folder changes. Names sort by time.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from data_science.errors import ArtifactError
from data_science.storage.version_files import MANIFEST, read_small

NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")  # of a version
LATEST, CANDIDATE = "LATEST", "CANDIDATE"
UNFINISHED, TRASH = ".saving-", ".trash-"  # names begin so that readers never look at


def home(folder: str | Path) -> Path:
    """Return the path with ``~`` expanded as a shell would: no shell reads an env file.

    Raises
    ------
    ArtifactError
        If there is no such home folder, or if what was given is no path.
    """
    if not isinstance(folder, str | os.PathLike) or not str(folder).strip():
        raise ArtifactError(f"the model folder is {folder!r}; expected a path, such as 'models'")
    try:
        if b"\0" in os.fsencode(folder):
            raise ValueError("a NUL in it")
        return Path(folder).expanduser()
    except (TypeError, ValueError) as error:  # a path of bytes, NUL, half of a surrogate pair
        raise ArtifactError(
            f"the model folder is {folder!r}, which no file system takes ({error}). Give another path"
        ) from error
    except RuntimeError as error:
        raise ArtifactError(
            f"{str(folder)!r} names a home folder that does not exist here ({error}). Give the full path"
        ) from error


def duel_record(folder: Path, champion: str, candidate: str) -> Path:
    """Return where what is known of a duel of two versions is kept."""
    return folder / f"duel-{champion}-{candidate}.json"


def duel_records(folder: Path, name: str) -> list[Path]:
    """Return the records of all duels of one version."""
    return [*folder.glob(f"duel-{name}-*.json"), *folder.glob(f"duel-*-{name}.json")]


def is_version(folder: Path) -> bool:
    """Whether a folder is one version, perhaps a damaged one, and not a folder of versions."""
    return NAME.fullmatch(folder.name) is not None or os.path.lexists(folder / MANIFEST)


def listed(folder: Path) -> list[str]:
    """Return the names of all versions, newest first."""
    try:
        entries = [entry for entry in os.scandir(folder) if NAME.fullmatch(entry.name)]
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{folder} does not exist; expected a folder of models. Train one first"
        ) from error
    except OSError as error:
        raise ArtifactError(f"{folder} cannot be listed ({error.strerror}). Check its permissions") from error
    # A linked version could live anywhere and change at any time.
    return sorted((entry.name for entry in entries if entry.is_dir(follow_symlinks=False)), reverse=True)


def read_latest(folder: Path) -> str:
    """Return the name of the version that LATEST names.

    Raises
    ------
    ArtifactError
        If LATEST is missing or unreadable, or holds anything but the name of a version.
    """
    path = folder / LATEST
    text = read_small(path, limit=200).decode("utf-8", errors="backslashreplace")
    name = text.strip()  # editors end lines in their own ways
    if not NAME.fullmatch(name):
        raise ArtifactError(f"{path} contains {text[:80]!r}; expected the name of a version in this folder")
    return name


def located(folder: Path, name: str) -> Path:
    """Return the folder of a version, or raise an ArtifactError if it is a link or no folder."""
    if name not in listed(folder):
        raise ArtifactError(f"{folder / name} is no version here. Restore it or train again")
    return folder / name
