"""The source tables as files give them: their columns, in order, and how a cell is read.

Changes with the tables of ``sql/create_tables.sql``. Nothing is guessed: no cell may be empty unless a
column says so, no value is padded with blanks, and a number fits its column, without decimals if whole.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

Value = int | float | str | date | None

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a source table."""

    name: str
    expected: str  # completes "expected ..."
    read: Callable[[str], Value]  # raises ValueError on anything else


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text) or not -(2**31) <= int(text) < 2**31:
        raise ValueError
    return int(text)


def _label(text: str) -> int:
    if text not in ("0", "1"):
        raise ValueError
    return int(text)


def _real(text: str) -> float:
    if not _REAL.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError
    return float(text)


def _day(text: str) -> date:
    if not _DAY.fullmatch(text):  # fromisoformat alone would also take weeks
        raise ValueError
    return date.fromisoformat(text)


def _day_or_none(text: str) -> date | None:
    return _day(text) if text else None


def _text(longest: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not 1 <= len(text) <= longest or text != text.strip():
            raise ValueError
        return text

    return read


def _whole(name: str) -> Column:
    return Column(name, f"a whole number from {-(2**31)} to {2**31 - 1}, as in 17", _integer)


def _finite(name: str) -> Column:
    return Column(name, "a finite number, as in 0.5", _real)


_A_DAY = "a day as YYYY-MM-DD"
_UNPADDED = "not padded with blanks"

TABLES: Mapping[str, tuple[Column, ...]] = {
    "customer_profiles": (
        _whole("idx"),
        _whole("attr_a"),
        Column("attr_b", "one character that is not blank", _text(1)),
        Column("attr_c", f"one to three characters, {_UNPADDED}", _text(3)),
    ),
    "customer_activity": (
        _whole("idx"),
        Column("valid_from", _A_DAY, _day),
        Column("valid_to", f"{_A_DAY}, or nothing for the current spell", _day_or_none),
        _finite("scd_a"),
        _whole("scd_b"),
    ),
    "labels": (_whole("idx"), Column("label", "0 or 1", _label)),
    "stores": (
        _whole("idx"),
        Column("location", f"a name of at most 1,000 characters, {_UNPADDED}", _text(1_000)),
    ),
    "sales": (_whole("idx"), _finite("value"), Column("date", _A_DAY, _day), _whole("store_idx")),
}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    table: tuple(column.name for column in columns) for table, columns in TABLES.items()
}
