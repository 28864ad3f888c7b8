"""Reading columns in SQL by the rules of `prediction.features`: codes of levels, numbers, what is unread.

The engine's type of a column decides what its values are: text is never read as a number, nor a number as
text, whatever the engine would cast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis

from data_science.formula.rows import EXACT_IN_FLOAT
from data_science.prediction.features import LevelReader
from data_science.warehouse.arithmetic import is_finite, number
from data_science.warehouse.lookup import MOST_CASES, Join

#: What `str.strip` takes off.
PADDING = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
TRIM = {"duckdb": "trim", "snowflake": "trim", "bigquery": "trim"} | dict.fromkeys(
    ("postgres", "pyspark", "databricks"), "btrim"
)


@dataclass(frozen=True, slots=True)
class ReadLevels:
    """A factor's column, ready to be looked up."""

    key: Any  # what is looked up; NULL where the value is unread
    keys: tuple[Any, ...]  # of the levels, in the order of their codes
    n_levels: int

    def entries(self, name: str) -> Join | None:
        """Return the list that finds the code as a column of this name; None of few levels."""
        return Join(self.keys, {name: range(self.n_levels)}) if self.n_levels > MOST_CASES else None

    def code(self, found: Any = None) -> Any:
        """Return the code of the key, ``found`` where a list was joined; an unseen level's is the last."""
        if found is None:
            cases = ((self._literal(key), code) for code, key in enumerate(self.keys))
            found = self.key.cases(*cases, else_=None)
        return ibis.ifelse(
            self.key.isnull(), ibis.null("int64"), found.cast("int64").fill_null(self.n_levels)
        )

    def _literal(self, key: Any) -> Any:
        return number(key) if isinstance(key, float) else key


def read_levels(column: Any, reader: LevelReader, dialect: str) -> ReadLevels:
    """Say how a factor's column is read; all of a column of another type is unread."""
    kind, keys, dtype = reader.kind, tuple(reader.codes), column.type()
    key: Any
    if kind == "text":
        key = _trimmed(column, dialect) if dtype.is_string() else ibis.null("string")
        if dtype.is_string() and len(keys) <= MOST_CASES:  # trimming is slow, and few are padded
            key = ibis.ifelse(column.isin(keys), column, key)
        key = key if "" in reader.codes else key.nullif("")
    elif kind == "integer" and dtype.is_integer():
        key = column
    else:
        key = read_number(column)
        if kind == "integer":
            key = _only(key, key.abs() <= number(EXACT_IN_FLOAT))  # before the cast, which others would fail
            key = _only(key, key == key.floor().cast("float64")).cast("int64")
        elif kind == "boolean":
            key = _only(key, key.isin([0.0, 1.0])).cast("int64")
            keys = tuple(map(int, keys))
        else:
            keys = tuple(map(float, keys))
    return ReadLevels(key, keys, len(keys))


def read_number(column: Any) -> Any:
    """Return a column as finite numbers; NULL where it is none."""
    dtype = column.type()
    if dtype.is_boolean():
        found = ibis.ifelse(
            column, number(1.0), ibis.ifelse(column.isnull(), ibis.null("float64"), number(0.0))
        )
    elif dtype.is_decimal():
        found = column.cast("string").cast("float64")  # engines divide by the scale, which may round twice
    elif dtype.is_numeric():
        found = column.cast("float64")
    else:
        return ibis.null("float64")
    return _only(found, is_finite(found)) if not dtype.is_integer() else found


def _trimmed(column: Any, dialect: str) -> Any:
    if dialect not in TRIM:
        return column.strip()

    @ibis.udf.scalar.builtin(name=TRIM[dialect], signature=(("string", "string"), "string"))
    def trim(text, characters):  # type: ignore[no-untyped-def]
        ...

    return trim(column, PADDING)


def _only(value: Any, condition: Any) -> Any:
    return ibis.ifelse(condition, value, ibis.null(value.type()))
