"""Reading rows of features as level codes and numbers: one mapping, a one-row frame or a whole frame.

Changes when callers bring features in another container. pandas is never imported: a frame brings it.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from data_science.arrays import Mask
from data_science.data.frames import A_TABLE, as_frame, described, is_pandas
from data_science.errors import FeatureError
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Rows
from data_science.prediction.features import LevelReader, read_number, read_numbers

if TYPE_CHECKING:
    import pandas as pd

    from data_science.prediction.combinations import Combinations

Unseen = Literal["population", "refuse"]
REMEMBERED_LAYOUTS = 64  # column orders whose positions are kept


@dataclass(frozen=True)
class RowReader:
    """Knows which columns the encoding reads, and how."""

    levels: dict[str, LevelReader]
    numeric: tuple[str, ...]
    encoding: Encoding | None = None  # what is derived of the columns; None if nothing is
    combinations: tuple[Combinations, ...] = ()  # of levels, of which training lacks some
    refuses_new: bool = False  # combinations that training lacks
    columns: tuple[str, ...] = field(init=False)
    _layouts: dict[tuple[Any, ...], tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(dict.fromkeys((*self.levels, *self.numeric))))
        object.__setattr__(self, "_layouts", {})

    @classmethod
    def of(cls, encoding: Encoding, unseen: Unseen, combinations: tuple[Combinations, ...] = ()) -> RowReader:
        """Build the reader; for a common effect no distribution can stand in for an unseen level."""
        common = encoding.common_factors
        readers = {
            factor.column: LevelReader(factor, unseen == "refuse" or factor.column in common)
            for factor in encoding.factors
        }
        derives = encoding.derived or encoding.contrasts or encoding.offsets
        read = encoding if derives else None
        return cls(readers, encoding.number_columns, read, combinations, unseen == "refuse")

    def one(self, features: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, float]]:
        """Return the level codes and the numbers of one row, derived ones among them.

        Raises
        ------
        FeatureError
            If ``features`` is no mapping, lacks a column, or contains a value that cannot be read.
        """
        if not isinstance(features, Mapping):
            raise FeatureError(
                f"the features are {reprlib.repr(features)}; expected a mapping from column to value"
            )
        for column in self.columns:
            if column not in features:
                raise self._missing(column, features)
        codes = {column: reader.code(features[column]) for column, reader in self.levels.items()}
        if self.refuses_new:
            self._require_seen(codes)
        numbers = {column: read_number(column, features[column]) for column in self.numeric}
        if self.encoding is None:
            return codes, numbers
        arrays = {column: np.array([number]) for column, number in numbers.items()}
        at = {column: np.array([code]) for column, code in codes.items()}
        derived = self.encoding.numeric_of(arrays, at, 1, None)
        return codes, {column: float(values[0]) for column, values in derived.items()}

    def has_unseen(self, features: Mapping[str, Any]) -> bool:
        """Whether one row has a level or a combination that training has not seen; read as in :meth:`one`."""
        codes: dict[str, int] = {}
        try:
            for column, reader in self.levels.items():
                value = features[column]
                if type(value) not in reader.plain or value not in reader.codes:
                    break
                codes[column] = reader.codes[value]
            else:
                return any(one.are_new(codes) for one in self.combinations)
        except (LookupError, TypeError):
            pass  # refused below, or a mapping that answers in its own way
        codes, _ = self.one(features)
        return any(codes[column] == len(reader.codes) for column, reader in self.levels.items()) or any(
            one.are_new(codes) for one in self.combinations
        )

    def with_unseen(self, rows: Rows) -> Mask:
        """Return which rows have a level or a combination that training has not seen, shape (row,)."""
        found = np.zeros(len(rows), dtype=bool)
        for column, reader in self.levels.items():
            found |= rows.codes[column] == len(reader.codes)
        for combinations in self.combinations:
            found |= combinations.are_new(rows.codes)
        return found

    def only_row(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the needed values, unread, of a frame's only row.

        Raises
        ------
        FeatureError
            If there is not exactly one row, or a needed column is missing or occurs twice.
        """
        frame = as_frame(frame)
        n_rows, positions = self.locate(frame)
        if n_rows != 1:
            raise FeatureError(
                f"the features have {n_rows} rows; expected exactly one. Use predict_batch for many rows"
            )
        values = frame.iat
        return {column: values[0, position] for column, position in zip(self.columns, positions, strict=True)}

    def all_rows(self, frame: pd.DataFrame, first: int = 0) -> Rows:
        """Read every row of a frame.

        Parameters
        ----------
        frame : DataFrame
            The needed columns in any order, and any others.
        first : int
            Number of its first row in the frame it was cut from, for messages.

        Raises
        ------
        FeatureError
            If the frame is empty, a column is missing or occurs twice, or a value cannot be read.
        """
        n_rows, positions = self.locate(frame)
        if n_rows == 0:
            raise FeatureError("the features have 0 rows; expected at least one")
        values = {column: frame.iloc[:, at] for column, at in zip(self.columns, positions, strict=True)}
        codes = {column: reader.read(values[column], first) for column, reader in self.levels.items()}
        if self.refuses_new:
            self._require_seen(codes, first)
        numbers = {column: read_numbers(column, values[column], first) for column in self.numeric}
        if self.encoding is not None:
            numbers = self.encoding.numeric_of(numbers, codes, n_rows, first)
        return Rows(codes, numbers, n_rows)

    def chunks(self, frame: pd.DataFrame, n_rows: int) -> Iterator[tuple[slice, Rows]]:
        """Read a frame in chunks of ``n_rows``, so that memory does not grow with it."""
        frame = as_frame(frame)
        total, _ = self.locate(frame)
        for first in range(0, max(total, 1), n_rows):  # an empty frame has one chunk, which is refused
            part = slice(first, min(first + n_rows, total))
            yield part, self.all_rows(frame.iloc[part], first)

    def locate(self, frame: pd.DataFrame) -> tuple[int, tuple[int, ...]]:
        """Return the number of rows and the position of each needed column.

        Raises
        ------
        FeatureError
            If ``frame`` is no DataFrame, or a needed column is missing or occurs twice.
        """
        try:
            if not is_pandas(frame):
                raise TypeError
            layout, n_rows = tuple(frame.columns), len(frame)
        except (AttributeError, TypeError):
            raise FeatureError(
                f"the features are {described(frame)}; expected {A_TABLE}. Use predict_one for a mapping"
            ) from None
        return n_rows, self._layouts.get(layout) or self._locate(layout)

    def _locate(self, layout: tuple[Any, ...]) -> tuple[int, ...]:
        for column in self.columns:
            if layout.count(column) != 1:
                if column not in layout:
                    raise self._missing(column, layout)
                raise FeatureError(
                    f"{column} appears {layout.count(column)} times; expected one column of this name", column
                )
        if len(self._layouts) >= REMEMBERED_LAYOUTS:
            self._layouts.clear()
        self._layouts[layout] = positions = tuple(layout.index(column) for column in self.columns)
        return positions

    def _require_seen(self, codes: Mapping[str, Any], first: int | None = None) -> None:
        """Refuse a combination that training lacks, of one row, or of rows counted from ``first``."""
        for one in self.combinations:
            new = np.atleast_1d(one.are_new(codes))
            if new.any():
                row = int(new.argmax())
                at = {column: int(np.atleast_1d(codes[column])[row]) for column in one.columns}
                levels = (repr(self.levels[column].factor.levels[code]) for column, code in at.items())
                raise FeatureError(
                    f"{'' if first is None else f'row {first + row}: '}{one.name} is {':'.join(levels)}, a "
                    "combination not seen in training; expected one that training has",
                    one.columns[0],
                )

    def _missing(self, column: str, there: Any) -> FeatureError:
        offset = "" if self.encoding is None else self.encoding.offset_of(column)
        because = f" ({offset} needs it)" if offset else ""
        return FeatureError(
            f"{column} is missing{because}; expected the columns {', '.join(self.columns)}, "
            f"got {reprlib.repr([str(name) for name in there])}",
            column,
        )
