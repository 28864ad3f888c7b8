"""Numbers that are computed from a row's columns and multiply coefficients: functions, contrasts of levels.

Each has a name for every column that it makes, under which rows hold it beside the table's own. NumPy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.errors import FeatureError
from data_science.formula.expressions import Expression, from_json


@dataclass(frozen=True, slots=True)
class Derived:
    """A function of numeric columns, as training learned it."""

    name: str  # as the formula writes it
    columns: tuple[str, ...]  # that it makes
    expression: Expression

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the table that it reads as numbers."""
        return self.expression.columns

    def evaluate(
        self, numbers: Mapping[str, Floats], n_rows: int, first: int | None = 0
    ) -> dict[str, Floats]:
        """Compute its columns.

        Parameters
        ----------
        numbers : mapping from column to array, shape (row,)
        n_rows : int
        first : int or None
            Number of the first row, for messages; None for one row that has no number.

        Raises
        ------
        FeatureError
            If it has no finite value for a row; the message shows the row's numbers and what is expected.
        """
        with np.errstate(all="ignore"):
            found = [np.broadcast_to(values, n_rows) for values in self.expression.evaluate(numbers)]
            total = sum(float(values.sum()) for values in found)  # one pass; finite only if all of them are
        if not np.isfinite(total):
            self._require_finite(found, numbers, first)
        return dict(zip(self.columns, found, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Represent with JSON types."""
        return {"name": self.name, "columns": list(self.columns), "expression": self.expression.to_json()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Derived:
        """Construct what :meth:`to_json` represents."""
        return cls(document["name"], tuple(document["columns"]), from_json(document["expression"]))

    def _require_finite(
        self, found: Sequence[Floats], numbers: Mapping[str, Floats], first: int | None
    ) -> None:
        finite = np.logical_and.reduce([np.isfinite(values) for values in found])
        if finite.all():
            return
        row = int(finite.argmin())
        given = ", ".join(f"{column} = {float(numbers[column][row])!r}" for column in self.reads)
        where = "" if first is None else f"row {first + row}: "
        expected = self.expression.expects or "numbers for which it is finite"
        raise FeatureError(
            f"{where}{self.name} has no finite value where {given}; expected {expected}", self.reads[0]
        )


@dataclass(frozen=True, slots=True)
class Contrasts:
    """A categorical column's contrasts: one number per level for each coefficient."""

    column: str
    columns: tuple[str, ...]  # that it makes
    matrix: tuple[tuple[float, ...], ...]  # (level, column); an unseen level has zeros

    def evaluate(self, codes: Mapping[str, Ints]) -> dict[str, Floats]:
        """Look the rows' levels up."""
        table = np.array([*self.matrix, [0.0] * len(self.columns)])
        found = table[codes[self.column]]
        return {name: found[:, j] for j, name in enumerate(self.columns)}

    def to_json(self) -> dict[str, Any]:
        """Represent with JSON types."""
        return {
            "column": self.column,
            "columns": list(self.columns),
            "matrix": [list(r) for r in self.matrix],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Contrasts:
        """Construct what :meth:`to_json` represents."""
        matrix = tuple(tuple(map(float, row)) for row in document["matrix"])
        return cls(document["column"], tuple(document["columns"]), matrix)


@dataclass(frozen=True, slots=True)
class Input:
    """A column that functions read, and its range in training: where they are known to be defined."""

    column: str
    low: float
    high: float
