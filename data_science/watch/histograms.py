"""Counts of a column in cells that are chosen once, in training; changes with how cells are chosen."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from data_science.arrays import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 50  # rarer ones are counted together
MOST_DISTINCT = 20  # numbers with more values are cut into bins
N_BINS = 10


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in cells; the last takes missing, unreadable and unseen values.

    Attributes
    ----------
    levels : tuple of float or str
        One cell each; empty where there are bins.
    edges : tuple of float
        Inner edges of the bins, the value on an edge above it; empty where there are levels.
    counts : tuple of int
    """

    levels: tuple[float | str, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def learn(cls, values: pd.Series[Any]) -> Self:
        """Choose cells for a column of training and count it."""
        codes, distinct = _distinct(values)
        frequency = np.bincount(codes[codes >= 0], minlength=len(distinct))
        if len(distinct) > MOST_DISTINCT and not any(isinstance(level, str) for level in distinct):
            numbers = np.repeat(np.array(distinct, dtype=np.float64), frequency)
            return cls.cut(numbers, N_BINS)
        order = sorted(range(len(distinct)), key=lambda place: -int(frequency[place]))[:MOST_LEVELS]
        return cls(tuple(distinct[place] for place in order), (), ())._counted(values)

    @classmethod
    def cut(cls, numbers: Floats, n_bins: int) -> Self:
        """Choose bins of about as many numbers each."""
        inner = np.quantile(numbers, np.arange(1, n_bins) / n_bins)
        edges = np.unique(inner)
        cells = np.searchsorted(edges, numbers, side="right")
        counts = np.bincount(cells, minlength=len(edges) + 2)
        return cls((), tuple(map(float, edges)), tuple(map(int, counts)))

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return what :meth:`to_json` gave."""
        return cls(*(tuple(document[name]) for name in ("levels", "edges", "counts")))

    def to_json(self) -> dict[str, Any]:
        """Return it with JSON types."""
        return {name: list(values) for name, values in asdict(self).items()}

    def count(self, values: pd.Series[Any]) -> Floats:
        """Count other values in these cells."""
        n_cells = (len(self.levels) if self.levels else len(self.edges) + 1) + 1
        if (
            self.edges and values.dtype.kind in "iuf"
        ):  # a loop over distinct values takes a hundred times as long
            numbers = values.to_numpy(dtype=np.float64)
            cells = np.searchsorted(self.edges, numbers, side="right")
            cells[~np.isfinite(numbers)] = n_cells - 1
            return np.bincount(cells, minlength=n_cells).astype(np.float64)
        codes, distinct = _distinct(values)
        if self.edges:
            of_distinct = [
                n_cells - 1 if isinstance(one, str) else int(np.searchsorted(self.edges, one, side="right"))
                for one in distinct
            ]
        else:
            place = {level: cell for cell, level in enumerate(self.levels)}
            of_distinct = [place.get(one, n_cells - 1) for one in distinct]
        cells = np.array([*of_distinct, n_cells - 1], dtype=np.intp)[codes]  # a missing value has the code -1
        return np.bincount(cells, minlength=n_cells).astype(np.float64)

    def _counted(self, values: pd.Series[Any]) -> Self:
        return type(self)(self.levels, self.edges, tuple(map(int, self.count(values))))


def _distinct(values: pd.Series[Any]) -> tuple[Ints, list[float | str]]:
    """Return each value's place among the distinct ones, -1 where there is none; 3, 3.0 and "3 " are one."""
    codes, found = values.factorize()
    places: dict[float | str, int] = {}
    renamed = np.full(len(found) + 1, -1, dtype=np.intp)
    for code, value in enumerate(found.tolist()):
        read = _read(value)
        if read is not None:
            renamed[code] = places.setdefault(read, len(places))
    return renamed[codes], list(places)


def _read(value: object) -> float | str | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # the except clause is the check
    except (TypeError, ValueError):
        return str(value).strip()
    return number if math.isfinite(number) else None
