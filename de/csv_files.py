"""Loads the company's CSV files, when someone has them, into the source tables through COPY."""

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 (psycopg2 names its class in lower case)

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "customer_profiles": ("idx", "attr_a", "attr_b", "attr_c"),
    "customer_activity": ("idx", "valid_from", "valid_to", "scd_a", "scd_b"),
    "labels": ("idx", "label"),
    "stores": ("idx", "location"),
    "sales": ("idx", "value", "date", "store_idx"),
}


class LoadError(Exception):
    """The data to load are not there or not what the tables need."""


def load_csv(connection: Connection, folder: Path) -> None:
    """Replace the rows of the source tables by the CSV files of ``folder``, all or nothing.

    Expects ``customer_profiles.csv``, ``customer_activity.csv``, ``labels.csv``, ``stores.csv`` and
    ``sales/YYYY-MM-DD/sales.csv``, each with a header whose names may be in any order.

    Raises
    ------
    LoadError
        If a file or column is missing, a column is unknown, or the server refuses a value.
    """
    files = list(_find(folder))
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS signal_truth")
        for table in COLUMNS:
            cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table)))
        for table, path in files:
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER)").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, _header(table, path)))
            )
            with path.open("rb") as source:
                try:
                    cursor.copy_expert(statement, source)
                except psycopg2.DataError as error:
                    where = (error.diag.context or "").removeprefix("COPY ")
                    raise LoadError(
                        f"{path}: {error.diag.message_primary} ({where}); mend the file"
                    ) from error


def _find(folder: Path) -> Iterator[tuple[str, Path]]:
    for table in COLUMNS:
        if table == "sales":
            yield from (("sales", path) for path in _daily_sales(folder / "sales"))
        elif (path := folder / f"{table}.csv").is_file():
            yield table, path
        else:
            raise LoadError(
                f"{path} is missing; expected one CSV file each for {', '.join(COLUMNS)} in {str(folder)!r}"
            )


def _daily_sales(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*/sales.csv"))
    if not files:
        raise LoadError(f"{folder}: no file found; expected one {folder.name}/YYYY-MM-DD/sales.csv per day")
    for path in files:
        try:
            date.fromisoformat(path.parent.name)
        except ValueError as error:
            raise LoadError(
                f"{path}: folder {path.parent.name!r} is not a day; expected YYYY-MM-DD"
            ) from error
    return files


def _header(table: str, path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as source:
        names = next(csv.reader(source), [])
    missing = [name for name in COLUMNS[table] if name not in names]
    unknown = [name for name in names if name not in COLUMNS[table]]
    if missing or unknown or len(set(names)) < len(names):
        raise LoadError(
            f"{path}: header {names!r}; expected {list(COLUMNS[table])!r} in any order "
            f"(missing: {missing!r}, unknown: {unknown!r})"
        )
    return names
