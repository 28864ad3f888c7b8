"""The rows of a source table from its files, every cell read and every rule kept; the one place of checks.

Changes with what the tables must be for the ETL to give one row per client.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from de import csv_reading
from de.csv_reading import Content, Place, fault
from de.source_tables import COLUMNS, TABLES, Value

Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """One table that its files may fill."""

    name: str
    rows: list[Row]  # cells in the table's order of columns
    digest: str  # sha256 of the files as given, one after another
    n_files: int

    @property
    def origin(self) -> str:
        """What is written down about where the rows come from."""
        joined = f" ({self.n_files} files, one after another)" if self.n_files > 1 else ""
        return f"the company's file, sha256 {self.digest}{joined}"

    @property
    def keys(self) -> set[Value]:
        """The different ``idx``."""
        return {row[0] for row in self.rows}

    @property
    def joined_keys(self) -> set[Value]:
        """The different ``idx`` that ``feature_store`` takes: of activity those of current spells."""
        return {row[0] for row in self.rows if self.name != "customer_activity" or row[2] is None}


def checked(table: str, paths: Sequence[Path]) -> CheckedTable:
    """Read the files of one table.

    Raises
    ------
    LoadError
        At the first fault, with file and line, what came and what was expected.
    """
    contents = [csv_reading.read(path) for path in paths]
    rows: list[Row] = []
    places: list[Place] = []
    for content in contents:
        _read_into(rows, places, table, content)
    if not rows:
        raise fault(Place(paths[-1], 2), "no rows", "at least one row under the header")
    if table == "customer_activity":
        _check_spells(rows, places)
    else:
        _check_once(rows, places, "row")
    return CheckedTable(table, rows, csv_reading.digest(contents), len(contents))


def _read_into(rows: list[Row], places: list[Place], table: str, content: Content) -> None:
    found = csv_reading.records(content)
    place, header = next(found, (Place(content.path, 1), []))
    _check_header(place, header, COLUMNS[table])
    cells = [(header.index(column.name), column) for column in TABLES[table]]
    for place, record in found:
        if len(record) != len(header):
            came = f"the number of fields is {len(record)}"
            raise fault(place, came, f"{len(header)}, as in the header")
        values: list[Value] = []
        for position, column in cells:
            try:
                values.append(column.read(record[position]))
            except ValueError as error:
                came = f"{column.name} is {_shown(record[position])}"
                raise fault(place, came, column.expected) from error
        rows.append(tuple(values))
        places.append(place)


def _check_header(place: Place, names: list[str], wanted: Sequence[str]) -> None:
    if sorted(names) == sorted(wanted):
        return
    missing = [name for name in wanted if name not in names]
    unknown = [name for name in names if name not in wanted]
    raise fault(
        place,
        f"header {_shown(names)} (missing: {missing!r}, unknown: {_shown(unknown)})",
        f"{list(wanted)!r} in any order, spelt like this and separated by commas",
    )


def _check_once(rows: list[Row], places: list[Place], what: str) -> None:
    first: dict[Value, Place] = {}
    for row, place in zip(rows, places, strict=True):
        before = first.setdefault(row[0], place)
        if before is not place:
            raise fault(
                place, f"idx {row[0]} was on {_seen(before, place)} already", f"one {what} for each idx"
            )


def _check_spells(rows: list[Row], places: list[Place]) -> None:
    for (_, start, end, *_rest), place in zip(rows, places, strict=True):
        if end is not None and end < start:  # type: ignore[operator]  # both are days
            raise fault(
                place, f"valid_to {end} is before valid_from {start}", "a spell that ends after it starts"
            )
    current = [(row, place) for row, place in zip(rows, places, strict=True) if row[2] is None]
    if not current:
        latest = max(range(len(rows)), key=lambda at: rows[at][2])  # type: ignore[arg-type, return-value]  # all days
        raise fault(
            places[latest],
            f"valid_to is {rows[latest][2]}, and is never empty in any row",
            "it empty in the current row of a client",
        )
    _check_once([row for row, _ in current], [place for _, place in current], "row without valid_to")


def _seen(before: Place, place: Place) -> str:
    return f"line {before.line}" if before.path == place.path else str(before)


def _shown(cell: object) -> str:
    text = repr(cell)
    return text if len(text) <= 80 else f"{text[:77]}..."
