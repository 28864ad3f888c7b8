"""Rows of a CSV as a stored model reads them: each cell by the kind of its column, some rows at a time.

A CSV is text: "1" is level 1 where training had integers, and stays text where it had text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from data_science.cli import text_columns
from data_science.cli.data_files import MISSING, DataFile, parquet, require_unique
from data_science.errors import FeatureError, SchemaError
from data_science.prediction.predictor import Predictor

N_ROWS = 2**16  # read at once: memory does not grow with the file
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some rows in the file's order."""

    features: pd.DataFrame  # the columns that the model reads
    kept: pd.DataFrame  # what goes to the output as it came
    first: int  # number of the first row in the file


def chunks(data: DataFile, predictor: Predictor, keep: Sequence[str] | None) -> Iterator[Chunk]:
    """Yield the rows in chunks.

    Parameters
    ----------
    data : DataFile
    predictor : Predictor
        Knows the columns and their kinds.
    keep : sequence of str, optional
        Columns that are kept; None: ``idx`` if it is there. ``["all"]``: every column.

    Raises
    ------
    SchemaError
        If the file cannot be read, or lacks a column.
    """
    if data.is_parquet:
        with data.named_faults():
            frame = parquet(data)
        kept = _kept(data, tuple(map(str, frame.columns)), keep)
        _require(data, tuple(map(str, frame.columns)), predictor)
        for first in range(0, max(len(frame), 1), N_ROWS):
            part = frame.iloc[first : first + N_ROWS]
            yield Chunk(part, part[kept].astype(str), first)
        return
    kinds = {column.name: column.kind for column in predictor.columns}
    with data.opened() as (header, text):
        kept = _kept(data, header, keep)
        _require(data, header, predictor)
        require_unique(data, header, (*kinds, *kept))
        used = [place for place, name in enumerate(header) if name in kinds or name in kept] or [0]
        as_text = [p for p in used if header[p] in kept or kinds.get(header[p], "text") == "text"]
        reading = data.reading() | {
            "names": range(len(header)),
            "usecols": used,
            "na_values": {p: data.reading()["na_values"] for p in used if p not in as_text},
        }
        first = 0
        try:
            for part in text_columns.parts(data, text, as_text, reading, N_ROWS):
                named = part.rename(columns=dict(enumerate(header)))
                features = pd.DataFrame(
                    {name: _column(named[name], kind) for name, kind in kinds.items()}, index=named.index
                )
                yield Chunk(features, named[kept], first)
                first += len(part)
        except pd.errors.EmptyDataError:  # a header without a line's end
            yield Chunk(pd.DataFrame(columns=list(kinds)), pd.DataFrame(columns=kept), 0)


def faults(predictor: Predictor, chunk: Chunk, *, all_of_them: bool) -> dict[int, FeatureError]:
    """Return what is wrong with each row that cannot be read, by its place, or with the first such."""
    found: dict[int, FeatureError] = {}
    columns = list(predictor.reader.columns)
    for place, values in enumerate(chunk.features[columns].itertuples(index=False, name=None)):
        cells = {c: "" if is_missing(v) else v for c, v in zip(columns, values, strict=True)}
        try:
            predictor.reader.one(cells)
        except FeatureError as error:
            text = str(error).replace(" (str);", ";")  # everything in a CSV is text: its type says nothing
            found[place] = FeatureError(text.removeprefix("row 0: "), error.column)
            if not all_of_them:
                break
    return found


def _column(values: pd.Series[Any], kind: str) -> pd.Series[Any]:
    if kind == "text":
        return values.mask(values.isin(MISSING))  # as training reads it
    if values.dtype.kind in "biuf":
        return values
    return pd.Series([cell(value) for value in values.tolist()], values.index, dtype=object)


def cell(value: object) -> object:
    """Return what one cell says in a column of numbers; what is no number stays text."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in _TRUTH:
        return _TRUTH[text.lower()]
    for read in (int, float):
        try:
            number = read(text) if text.isascii() and "_" not in text else None
        except ValueError:
            continue
        if number is not None and (isinstance(number, int) or math.isfinite(number)):
            return number
    return value


def is_missing(value: object) -> bool:
    """Whether a cell has no value."""
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _kept(data: DataFile, header: tuple[str, ...], keep: Sequence[str] | None) -> list[str]:
    if keep is None:
        return ["idx"] if header.count("idx") == 1 else []
    if list(keep) == ["all"]:
        return list(header)
    for name in keep:
        if name not in header:
            raise SchemaError(f"{data.name} has no column {name!r} to keep; it has {', '.join(header[:20])}")
    return list(dict.fromkeys(keep))


def _require(data: DataFile, header: tuple[str, ...], predictor: Predictor) -> None:
    if missing := [name for name in predictor.reader.columns if name not in header]:
        raise SchemaError(
            f"{data.name} lacks {', '.join(missing)}; the model reads "
            f"{', '.join(predictor.reader.columns)}, the file has {', '.join(header[:20])}"
        )
