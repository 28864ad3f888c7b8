"""Rows with what is known of them, for `duel` and `check`: features, response, client, time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data_science.cli.data_files import MISSING, DataFile, parquet, require_unique
from data_science.cli.typed_rows import Chunk, cell, faults
from data_science.errors import FeatureError, SchemaError
from data_science.prediction.predictor import Predictor

if TYPE_CHECKING:
    from data_science.arrays import Floats, Ints, Mask
    from data_science.storage.loading import Loaded

_TRIALS = re.compile(r"\s*(?:p|prop|proportion)\(\s*`?([^`,()]+?)`?\s*,\s*`?([^`,()]+?)`?\s*\)\s*~")
_EVENT = re.compile(r"(.+)\['(.+)'\]")
_WORDS = {"no": 0.0, "yes": 1.0, "false": 0.0, "true": 1.0, "0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0}
_WHOLE = re.compile(r"^([+-]?[0-9]+)\.0+$")
_KNOWN_AT = "known_at"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as they came: cells of a CSV are text."""

    name: str
    frame: pd.DataFrame
    is_text: bool

    @classmethod
    def of(cls, data: DataFile) -> Table:
        """Read a file, or standard input, whole."""
        if data.is_parquet:
            with data.named_faults():
                return cls(data.name, parquet(data), False)
        with data.opened() as (header, text):
            require_unique(data, header, header)
            try:
                frame = pd.read_csv(text, names=list(header), dtype="str", low_memory=False, **data.reading())
            except pd.errors.EmptyDataError:  # a header without a line's end
                frame = pd.DataFrame(columns=list(header), dtype="str")
        return cls(data.name, frame, True)

    def column(self, name: str) -> pd.Series[Any]:
        """Return a column, or say which are there."""
        if name not in self.frame.columns:
            there = ", ".join(map(str, self.frame.columns[:20]))
            raise SchemaError(f"{self.name} has no column {name!r}; it has {there}")
        return self.frame[name]

    def features(self, predictor: Predictor) -> pd.DataFrame:
        """Return the columns that a model reads, each as the kind that training had."""
        read = {
            one.name: _typed(self.column(one.name), one.kind) if self.is_text else self.column(one.name)
            for one in predictor.columns
        }
        return pd.DataFrame(read, index=self.frame.index)

    def take(self, rows: Mask | Ints) -> Table:
        """Return some of the rows."""
        return Table(self.name, self.frame.iloc[rows].reset_index(drop=True), self.is_text)


def readable(table: Table, predictor: Predictor) -> Mask:
    """Return which rows a model can read."""
    features = table.features(predictor)
    good = np.ones(len(features), dtype=bool)
    if len(features) == 0:
        return good
    try:
        predictor.predict_batch(features)
    except FeatureError:
        chunk = Chunk(features, features, 0)
        good[list(faults(predictor, chunk, all_of_them=True))] = False
    return good


def response_columns(version: Loaded) -> tuple[str, str | None]:
    """Return the column of the response, and that of its trials where it has some."""
    about = version.manifest.get("provenance", {}).get("specification") or {}
    if found := _TRIALS.match(str(about.get("formula", ""))):
        return found[1], found[2]
    event = _EVENT.fullmatch(version.predictor.response)
    return (event[1] if event else version.predictor.response), None


def has_response(table: Table, version: Loaded) -> bool:
    """Whether the rows say what they turned out to be."""
    return response_columns(version)[0] in table.frame.columns


def outcomes(table: Table, version: Loaded, positive: str | None = None) -> tuple[Floats, Floats]:
    """Return successes and trials of each row, NaN where the response is missing.

    Parameters
    ----------
    table : Table
    version : Loaded
        Knows the columns of the response.
    positive : str, optional
        The word that counts as 1, as `train --positive` had it.

    Raises
    ------
    SchemaError
        If a value is none of the response's.
    """
    column, trials = response_columns(version)
    values = table.column(column)
    event = _EVENT.fullmatch(version.predictor.response)
    if trials is not None:
        successes, n = _numbers(table, column), _numbers(table, trials)
        wrong = (successes < 0) | (successes > n) | (n < 1) | (successes % 1 != 0) | (n % 1 != 0)
        _require(table, column, wrong, f"whole numbers from 0 to {trials}, which is at least 1")
        return np.where(np.isnan(n), np.nan, successes), n
    text = values.astype("str").str.strip()
    missing = (values.isna() | text.isin(MISSING)).to_numpy(dtype=bool)
    if event is not None or positive is not None:
        word = positive if event is None else event[2]
        there = text[~missing].unique().tolist()
        if event is None and (len(there) > 2 or (len(there) == 2 and word not in there)):
            shown = ", ".join(map(repr, there[:5]))
            raise SchemaError(
                f"{table.name}: {column} has the values {shown}; expected {word!r} and one other"
            )
        found = np.asarray(text == word, dtype=float)
    else:
        found = text.str.lower().map(_WORDS).to_numpy(dtype=float)
        _require(table, column, np.isnan(found) & ~missing, "0 or 1, or the words no and yes")
    return np.where(missing, np.nan, found), np.ones(len(found))


def client_column(table: Table, by: str | None) -> str:
    """Return the column that says whose each row is: the one that is named, else ``idx``; blank if none."""
    if by is not None:
        table.column(by)
        return by
    return "idx" if "idx" in table.frame.columns else ""


def clients(table: Table, by: str | None) -> pd.Series[Any]:
    """Return whose each row is, as text: the column that is named, else ``idx``, else each row its own."""
    if name := client_column(table, by):
        found = table.column(name)
        _require(table, name, found.isna().to_numpy(dtype=bool), "the client of every row")
        # 7 is written as 7.0 where the column is of floats.
        return found.astype("str").str.strip().str.replace(_WHOLE, r"\1", regex=True)
    # A row without a name is known by what it holds, and by how often that came before.
    content = pd.util.hash_pandas_object(table.frame.astype("str"), index=False)
    again = content.groupby(content).cumcount()
    return content.astype("str") + "-" + again.astype("str")


def known_at(table: Table) -> pd.Series[Any] | None:
    """Return when each response became known, UTC; None if the rows do not say.

    Raises
    ------
    SchemaError
        If a time is missing or cannot be read.
    """
    if _KNOWN_AT not in table.frame.columns:
        return None
    values = table.frame[_KNOWN_AT]
    is_time = pd.api.types.is_datetime64_any_dtype(values)
    found = pd.to_datetime(values, utc=True, errors="coerce", format=None if is_time else "ISO8601")
    _require(
        table, _KNOWN_AT, found.isna().to_numpy(dtype=bool), "a time in ISO 8601, such as 2026-11-22T10:15Z"
    )
    return found


def _typed(values: pd.Series[Any], kind: str) -> pd.Series[Any]:
    text = values.mask(values.isin(MISSING))
    if kind == "text":
        return text
    numbers = pd.to_numeric(text, errors="coerce")
    if kind != "boolean" and bool((numbers.notna() | text.isna()).all()):
        return numbers
    return pd.Series([cell(value) for value in text.tolist()], values.index, dtype=object)


def _numbers(table: Table, name: str) -> Floats:
    values = table.column(name)
    found = pd.to_numeric(values, errors="coerce")
    _require(table, name, (found.isna() & values.notna()).to_numpy(dtype=bool), "a whole number")
    return found.to_numpy(dtype=float)


def _require(table: Table, name: str, wrong: Mask, expected: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise SchemaError(
            f"{table.name}, row {row + 1}: {name} is {table.frame[name].iloc[row]!r}; expected {expected}"
        )
