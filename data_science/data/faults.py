"""What is wrong with a table, as values: a fault of a whole column, or of some of its rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnFault:
    """One fault of a column as a whole: it is missing, say, or constant."""

    column: str
    problem: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.column}: {self.problem}{self._where}; expected {self.expected}. {self.remedy}."

    @property
    def _where(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class RowFault(ColumnFault):
    """One fault of some rows of a column."""

    count: int  # rows concerned
    n_rows: int
    example: str  # the first of them: "idx 17", or "row 17", counted from 0, where there is no key; may be ""

    @property
    def _where(self) -> str:
        first = f", first at {self.example}" if self.example else ""
        return f" in {self.count} of {self.n_rows} rows{first}"
