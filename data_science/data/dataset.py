"""What training data must look like: validate a frame against it.

Changes when the contract with the data engineers changes. Nothing is dropped, filled in or guessed:
a value is read as it is, converted without loss, or refused with the row it is in.
"""

import reprlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from data_science.arrays import Ints
from data_science.data.columns import EXPECTED, Reading, Values, instead_of, is_missing, read
from data_science.data.faults import ColumnFault, RowFault
from data_science.data.fingerprint import fingerprint
from data_science.data.frames import A_TABLE, described
from data_science.data.numbers import number_faults
from data_science.data.responses import Response, instead_of_text
from data_science.errors import SchemaError


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, as the data engineers promise it."""

    name: str
    kind: Literal["integer", "real", "text"]
    sql: str  # its type in PostgreSQL


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of one table, with the types that are promised."""

    table: str
    columns: tuple[Column, ...]

    def promised(self, name: str) -> Column | None:
        """Return the promise about column ``name``, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


FEATURE_STORE = Schema(
    "feature_store",
    (
        Column("idx", "integer", "integer"),
        Column("attr_a", "integer", "integer"),
        Column("attr_b", "text", "char(1)"),
        Column("scd_a", "real", "double precision"),
        Column("scd_b", "integer", "integer"),
        Column("label", "integer", "integer"),
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Rows that passed `validate`."""

    frame: pd.DataFrame  # all columns and rows that came, in their order; the checked columns typed
    n_rows: int
    base_rate: float  # share of label 1, or successes per trial
    fingerprint: str  # sha256 of key, features and response


def validate(
    frame: pd.DataFrame,
    *,
    numeric: Collection[str] = (),
    factors: Collection[str] = (),
    offsets: Collection[str] = (),
    response: Response,
    key: str | None = "idx",
    schema: Schema | None = None,
    counts: Ints | None = None,
) -> Dataset:
    """Check every column a model needs, in one pass, and return the typed rows.

    Parameters
    ----------
    frame : DataFrame
        One row per client, or per group of trials. Other columns are passed through.
    numeric, factors : collection of str
        Columns used as numbers (int, float, bool) and as levels (str, int, bool, category). Integral
        floats are read as the integer they are where levels, counts or promised integers are wanted.
    offsets : collection of str
        Those of them that have no effect to estimate, and so may be constant.
    response : Response
        The 0/1 column, the event in a column of levels, or the integer columns of successes and trials.
    key : str, optional
        Column that identifies a row. Where the frame lacks it, rows are named by position.
    schema : Schema, optional
        Promised types, which the named columns must then have, and the key must then be there.
    counts : int array, shape (row,), optional
        Rows of a table that each row of the frame stands for, by their least key; then whether a key repeats
        is not looked at.

    Raises
    ------
    SchemaError
        If there is any fault; the message has one line for each.
    """
    data = _Table.of(frame, key, counts, required=schema is not None)
    wanted = _wanted(data.key, numeric, factors, response, schema)
    findings: list[ColumnFault] = []
    typed: dict[str, Values] = {}
    for name, want in wanted:
        faults = list(presence_faults(list(data.frame.columns), name))
        if not faults:
            reading = read(data.frame[name], want)
            is_label = schema is None and name == response.successes and response.trials is None
            faults = list(_reading_faults(data, name, want, reading, schema, is_label=is_label))
            if reading.values is not None:
                typed[name] = reading.values
        findings += faults
    estimated = [name for name in dict.fromkeys([*numeric, *factors]) if name not in offsets]
    findings += _constant_faults([typed[name] for name in estimated if name in typed])
    findings += number_faults(data.faults, [typed[name] for name in numeric if name in typed])
    if counts is None:
        findings += _key_faults(data, typed)
    findings += [*response.read(typed), *response.faults(data.faults, typed)]
    if findings:
        lines = dict.fromkeys(f"- {finding}" for finding in findings)
        raise SchemaError("\n".join(["invalid data:", *lines]))
    checked = data.frame.copy(deep=False)
    for name, values in typed.items():  # not `assign`, whose own argument `self` may be a column's name
        checked[name] = values
    each = 1 if counts is None else counts
    trials = data.n_rows if response.trials is None else (each * checked[response.trials]).sum()
    base_rate = float((each * checked[response.successes]).sum() / trials)
    return Dataset(checked, data.n_rows, base_rate, fingerprint(checked[list(dict(wanted))], data.key))


@dataclass(frozen=True, slots=True)
class _Table:
    """A frame as it came, whose rows are named by its key in messages; nothing in it is encoded yet."""

    frame: pd.DataFrame
    key: str | None
    counts: Ints | None = None  # rows that each row stands for

    @classmethod
    def of(
        cls, frame: pd.DataFrame, key: str | None, counts: Ints | None = None, *, required: bool
    ) -> "_Table":
        if not isinstance(frame, pd.DataFrame) or frame.columns.nlevels > 1:
            raise SchemaError(f"the data are {described(frame)}; expected {A_TABLE}")
        if frame.empty:
            raise SchemaError(
                f"the data have {len(frame)} rows and {frame.shape[1]} columns; expected at least one row. "
                "Run the ETL that fills the table."
            )
        return cls(frame.reset_index(drop=True), key if required or key in frame.columns else None, counts)

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return len(self.frame) if self.counts is None else int(self.counts.sum())

    def faults(self, column: str, wrong: Any, problem: str, expected: str, remedy: str) -> Iterator[RowFault]:
        """Yield one fault if any row is ``wrong``, a mask with an entry per row."""
        positions = np.flatnonzero(wrong)
        if positions.size:
            first = self._name(positions[0])
            count = positions.size if self.counts is None else int(self.counts[positions].sum())
            yield RowFault(column, problem, expected, remedy, count, self.n_rows, first)

    def _name(self, position: int) -> str:
        if self.key is not None and list(self.frame.columns).count(self.key) == 1:
            keys = self.frame[self.key]
            if not is_missing(keys)[position]:
                return f"{self.key} {reprlib.repr(keys.tolist()[position])}"
        return f"row {position}" if self.counts is None else ""  # of a table, rows have no order


def _wanted(
    key: str | None,
    numeric: Collection[str],
    factors: Collection[str],
    response: Response,
    schema: Schema | None,
) -> list[tuple[str, str]]:
    """Pair each column with what is wanted of it; without promises a feature may be number and factor."""
    roles = [*((name, "number") for name in numeric), *((name, "level") for name in factors)]
    roles += response.wanted.items()
    if key is not None:
        roles.insert(0, (key, "key"))
    promised = {column.name: column.kind for column in schema.columns} if schema is not None else {}
    return list(dict.fromkeys((name, promised.get(name, role)) for name, role in roles))


def presence_faults(columns: list[str], name: str) -> Iterator[ColumnFault]:
    """Yield a fault unless a table with these columns has one of this name."""
    n_columns = columns.count(name)
    if n_columns != 1:
        problem = "the column appears more than once" if n_columns else "the column is missing"
        there = reprlib.repr(columns)
        remedy = f"The data have {there}: correct the query, the ETL or the specification"
        yield ColumnFault(name, problem, "one column of this name", remedy)


def _reading_faults(
    data: _Table, name: str, want: str, reading: Reading, schema: Schema | None, *, is_label: bool
) -> Iterator[RowFault]:
    column = data.frame[name]
    remedy = "Fill in the values at the source or exclude these rows there; nothing is imputed"
    yield from data.faults(name, reading.missing, "NULL or NaN", "a value", remedy)
    remedy = "Correct the computation that divides by zero or overflows"
    yield from data.faults(name, reading.infinite, "an infinite value", "finite numbers", remedy)
    if reading.refused.any():
        example = reprlib.repr(column[reading.refused].tolist()[0])
        promise = schema.promised(name) if schema is not None else None
        remedy = instead_of(reading.kind, want)
        if is_label and reading.kind == "text":
            remedy = instead_of_text(name, column[reading.refused])
        if schema is not None and promise is not None:
            change = f"ALTER COLUMN {name} TYPE {promise.sql} USING {name}::{promise.sql}"
            remedy = f"Run: ALTER TABLE {schema.table} {change}"
        problem = f"{reading.kind} such as {example}"
        yield from data.faults(name, reading.refused, problem, EXPECTED[want], remedy)
    elif reading.kind == "text":
        codes, levels = pd.factorize(column.mask(reading.missing), use_na_sentinel=True)
        padded = np.array([level != level.strip() for level in levels] + [False])[codes]  # NULL is code -1
        example = reprlib.repr(column[padded].tolist()[0]) if padded.any() else ""
        remedy = "Trim it in the ETL: 'a' and 'a ' would become two levels"
        yield from data.faults(name, padded, f"whitespace around {example}", "text without padding", remedy)


def _constant_faults(features: list[Values]) -> Iterator[ColumnFault]:
    for values in features:
        if (values == values.iloc[0]).all():
            problem = f"the constant {reprlib.repr(values.tolist()[0])} in every row"
            remedy = "It has no effect to estimate: drop it from the formula or load more data"
            yield ColumnFault(str(values.name), problem, "at least two values", remedy)


def _key_faults(data: _Table, typed: dict[str, Values]) -> Iterator[RowFault]:
    if data.key is not None and data.key in typed:
        repeated = typed[data.key].duplicated(keep=False)
        remedy = "Join a history on its current row only"
        yield from data.faults(data.key, repeated, "a repeated value", "one row for each value", remedy)
