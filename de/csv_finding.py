"""Which files of a folder contain which source table; changes with the names that the company gives them."""

import logging
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from de.errors import LoadError
from de.source_tables import TABLES

log = logging.getLogger(__name__)

_ENDINGS = (".csv", ".csv.gz")
_DAILY = "expected one sales/YYYY-MM-DD/sales.csv per day, plain or .gz"


def find(folder: Path) -> Mapping[str, tuple[Path, ...]]:
    """Return the files of each table that has any: one, or for sales one for each day, in order.

    Raises
    ------
    LoadError
        If there is no file at all, more than one that could be meant, or a day without its sales.
    """
    entries = {path.name: path for path in _listed(folder)}
    found: dict[str, tuple[Path, ...]] = {
        table: (path,) for table in TABLES if (path := _only(entries, table))
    }
    if "sales" in entries:
        daily = _daily_sales(entries["sales"], beside=found.get("sales", ()))
        if daily:
            found["sales"] = daily
    if not found:
        raise LoadError(f"{folder} contains no table; expected at least one of {_expected()}")
    used = {path for paths in found.values() for path in paths}
    for path in entries.values():
        if path not in used and _seems_meant(path):
            log.warning("%s is not used; expected %s", path, _expected())
    return found


def _seems_meant(path: Path) -> bool:
    name = path.name.lower()
    if path.name == "sales" and not _is_file(path):
        return False  # the folder of days, used or empty
    return name.endswith(_ENDINGS) or name.startswith(tuple(TABLES))


def _expected() -> str:
    names = ", ".join(f"{table}.csv" for table in TABLES)
    return f"{names} or sales/YYYY-MM-DD/sales.csv, plain or .gz"


def _listed(folder: Path) -> list[Path]:
    """Return what a person sees of a folder: what begins with a dot belongs to the system or to a tool."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LoadError(f"{folder} is not a folder; expected one with {_expected()}") from error
    except OSError as error:
        raise LoadError(f"{folder} cannot be read ({error.strerror}); expected a folder of files") from error


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 (False where it may not look; the path's own method raises)


def _only(entries: Mapping[str, Path], name: str) -> Path | None:
    # A link to nowhere is there too: it is meant, and reading it will say what is wrong.
    found = [entries[f"{name}{ending}"] for ending in _ENDINGS if f"{name}{ending}" in entries]
    if len(found) > 1:
        raise LoadError(f"{found[0]} and {found[1]} both exist; expected one: move the other away")
    return found[0] if found else None


def _daily_sales(folder: Path, beside: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the file of each day; anything but a day with one file is refused: its sales would be lost."""
    if _is_file(folder):
        return ()
    days = _listed(folder)
    if beside and days:
        raise LoadError(f"{beside[0]} and {days[0]} both exist; expected one file, or one a day")
    if not beside and not days:
        raise LoadError(f"{folder}: no file found; {_DAILY}")
    files: list[Path] = []
    faults: list[str] = []
    for day in days:
        try:
            files.append(_sales_of(day))
        except LoadError as error:
            faults.append(str(error))
    if faults:
        raise LoadError("\n".join(faults))
    return tuple(files)


def _sales_of(folder: Path) -> Path:
    _check_day(folder)
    entries = {path.name: path for path in _listed(folder)}
    file = _only(entries, "sales")
    if file is None:
        raise LoadError(f"{folder} contains {', '.join(map(repr, entries)) or 'nothing'}; {_DAILY}")
    for path in entries.values():
        if path != file:
            log.warning("%s is not used; %s", path, _DAILY)
    return file


def _check_day(folder: Path) -> None:
    if _is_file(folder):
        raise LoadError(f"{folder} is a file; {_DAILY}")
    try:
        day = date.fromisoformat(folder.name)
    except ValueError as error:
        raise LoadError(f"{folder}: folder {folder.name!r} is not a day; expected YYYY-MM-DD") from error
    if day.isoformat() != folder.name:
        raise LoadError(f"{folder}: folder {folder.name!r} is a day, but not written YYYY-MM-DD")
