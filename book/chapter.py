"""What a chapter begins with. Changes with what a build passes to its chapters, each a process of its own.

A build gives them its environment, with the folder of its snapshot in ``BOOK_SNAPSHOT``; a chapter that
somebody runs by hand has none, and reads the database.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from book.study import Study
from data_science.settings.job import Settings

SNAPSHOT = "BOOK_SNAPSHOT"


def handed_on(environ: Mapping[str, str], snapshot: Path) -> dict[str, str]:
    """Return the environment of chapters that are about a snapshot."""
    return {**environ, SNAPSHOT: str(snapshot)}


def study() -> Study:
    """Open what the environment of this process names."""
    taken = os.environ.get(SNAPSHOT)
    return Study(Settings.from_environment(os.environ), Path(taken) if taken else None)
