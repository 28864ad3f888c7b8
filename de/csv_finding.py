"""Which files of a folder hold which source table; changes with the names that the company gives them."""

import logging
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from de.errors import LoadError
from de.source_tables import TABLES

log = logging.getLogger(__name__)

_ENDINGS = (".csv", ".csv.gz")


def find(folder: Path) -> Mapping[str, tuple[Path, ...]]:
    """Return the files of each table that has any: one, or for sales one for each day, in order.

    Raises
    ------
    LoadError
        If there is no file at all, or more than one that could be meant.
    """
    if not folder.is_dir():
        raise LoadError(f"{folder} is not a folder; expected one with {_expected()}")
    found: dict[str, tuple[Path, ...]] = {
        table: (path,) for table in TABLES if (path := _only(folder, table))
    }
    daily = tuple(_daily_sales(folder / "sales"))
    if daily and "sales" in found:
        raise LoadError(f"{found['sales'][0]} and {daily[0]} are both there; expected one file or one a day")
    if daily:
        found["sales"] = daily
    if not found:
        raise LoadError(f"{folder} holds no table; expected at least one of {_expected()}")
    used = {path for paths in found.values() for path in paths}
    for path in sorted(folder.iterdir()):
        if path.name.lower().endswith(_ENDINGS) and path not in used:
            log.warning("%s is not used; expected %s", path, _expected())
    return found


def _expected() -> str:
    names = ", ".join(f"{table}.csv" for table in TABLES)
    return f"{names} or sales/YYYY-MM-DD/sales.csv, plain or .gz"


def _only(folder: Path, name: str) -> Path | None:
    # A link to nowhere is there too: it is meant, and reading it will say what is wrong.
    found = [path for ending in _ENDINGS if _is_there(path := folder / f"{name}{ending}")]
    if len(found) > 1:
        raise LoadError(f"{found[0]} and {found[1]} are both there; expected one: move the other away")
    return found[0] if found else None


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _daily_sales(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    days = sorted((path.parent, _only(path.parent, "sales")) for path in folder.glob("*/sales.csv*"))
    files = {file for _, file in days if file}
    if not files:
        raise LoadError(f"{folder}: no file found; expected one {folder.name}/YYYY-MM-DD/sales.csv per day")
    for path in sorted(files):
        try:
            day = date.fromisoformat(path.parent.name)
        except ValueError as error:
            raise LoadError(
                f"{path}: folder {path.parent.name!r} is not a day; expected YYYY-MM-DD"
            ) from error
        if day.isoformat() != path.parent.name:
            raise LoadError(f"{path}: folder {path.parent.name!r} is a day, but not written YYYY-MM-DD")
        yield path
