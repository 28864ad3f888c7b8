"""The site's folder: may it be replaced, can what was built be shown, and putting it in place."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

#: Sphinx leaves this file in what it builds: a folder without it was made by somebody else.
_MADE_HERE = ".buildinfo"
#: What a notebook shows in the place of a figure or value that could not be made, without failing.
_BROKEN = re.compile(r"Traceback \(most recent call last\)|Error in callback|&lt;Figure size|object at 0x")


class BuildError(Exception):
    """The book cannot be built; the message says why, and what to do."""


def require_replaceable(output: Path, kept: Iterable[Path]) -> None:
    """Check that building into a folder replaces nothing but a book.

    Parameters
    ----------
    output : Path
        The site's folder.
    kept : iterable of Path
        Folders that must not lie in it.

    Raises
    ------
    BuildError
        If something else is there, or it cannot be written.
    """
    elsewhere = "Choose another folder with --output"
    if os.path.ismount(output) or output.resolve() == Path.cwd():
        raise BuildError(f"{output} cannot be replaced as a whole by a new site. {elsewhere}")
    if output.is_dir():
        if any(output.iterdir()) and not (output / _MADE_HERE).exists():
            raise BuildError(f"{output} is not a book; it will not be overwritten. {elsewhere}")
    elif output.exists():
        raise BuildError(f"{output} is a file; it will not be overwritten. {elsewhere}")
    for folder in kept:
        if folder.resolve().is_relative_to(output.resolve()):
            raise BuildError(f"{folder} lies in {output}, which every build replaces. {elsewhere}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildError(f"{output.parent} cannot be made: {error.strerror}. {elsewhere}") from error


def require_sound(site: Path) -> None:
    """Check that no page shows an error in place of a result.

    Raises
    ------
    BuildError
        With the page and what it shows.
    """
    for page in sorted(site.glob("*.html")):
        found = _BROKEN.search(page.read_text(encoding="utf-8"))
        if found:
            raise BuildError(f"{page.stem}: a result could not be shown; the page has {found[0]!r} instead")


def put_in_place(site: Path, output: Path, aside: Path) -> None:
    """Replace the previous site by a new one; the previous one is moved to ``aside``."""
    shutil.rmtree(site / ".doctrees", ignore_errors=True)
    if output.exists():
        output.resolve().rename(aside)
    site.rename(output.resolve())
