"""Which stored version a command is about."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from data_science.errors import ArtifactError

if TYPE_CHECKING:
    from data_science.storage.artifact import Loaded


def folder_of(options: Namespace) -> Path:
    """Return the folder of versions: of the option, of MODEL_FOLDER, or ``models``."""
    from data_science.storage.writing import home

    return home(options.models or os.environ.get("MODEL_FOLDER", "").strip() or "models")


def loaded(options: Namespace) -> Loaded:
    """Load the version that is asked for, by default the one that serves."""
    from data_science.storage import artifact, versions

    folder = folder_of(options)
    asked = getattr(options, "version", None)
    if asked is None:
        return artifact.load(folder)
    return artifact.load(versions.located(folder, named(folder, asked)))


def named(folder: Path, asked: str) -> str:
    """Return the name of a version: given whole or by how it begins.

    Raises
    ------
    ArtifactError
        If there is none, or more than one.
    """
    from data_science.storage import versions

    names = versions.listed(folder)
    found = [name for name in names if asked and name.startswith(asked)]
    if len(found) == 1 or asked in found:
        return asked if asked in found else found[0]
    there = ", ".join(names[:5]) or "none"
    problem = f"fits {len(found)} versions" if found else "is no version"
    raise ArtifactError(
        f"{asked!r} {problem} in {folder}; expected a name, how one begins, or champion, candidate or "
        f"previous. The newest are: {there}"
    )
