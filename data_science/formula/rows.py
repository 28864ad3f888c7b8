"""Rows of a table in codes and numbers: what training and prediction read of the covariates. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats, Ints, Mask

MOST_PLACES = 2**20  # combinations of values that are numbered before those that occur are
SMALL_RANGE = 2**12  # whole numbers within it are told apart without sorting
EXACT_IN_FLOAT = 2**53  # beyond it neighbouring whole numbers share a float


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded covariates: of training, of new rows to predict, of the nodes that stand for many rows.

    The code of a level is its place among the factor's levels, and ``len(levels)`` is the code of every level
    that training has not seen: a code always indexes a table that has one entry more than there are levels.
    """

    codes: dict[str, Ints]  # column -> shape (row,)
    numeric: dict[str, Floats]  # column -> shape (row,)
    size: int  # number of rows; an intercept reads no column to count

    def __len__(self) -> int:
        return self.size

    def take(self, which: Ints | Mask | slice) -> Rows:
        """Select rows by index, mask or slice."""
        return Rows(
            {column: values[which] for column, values in self.codes.items()},
            {column: values[which] for column, values in self.numeric.items()},
            len(np.empty(self.size, dtype=bool)[which]),
        )

    def thinned(self, most: int) -> Rows:
        """Keep at most ``most`` rows, evenly spaced, the first and the last among them."""
        return self.take(np.unique(np.linspace(0, self.size - 1, min(most, self.size)).astype(np.intp)))

    def without(self, column: str) -> Rows:
        """Leave out one numeric column."""
        rest = {name: values for name, values in self.numeric.items() if name != column}
        return Rows(self.codes, rest, self.size)

    def distinct(self) -> tuple[Ints, Ints]:
        """Find the distinct rows.

        Returns
        -------
        array, shape (distinct row,)
            The first of the equal rows, in order of appearance.
        array, shape (row,)
            Which of these each row is equal to.
        """
        places, n_places = np.zeros(self.size, dtype=np.intp), 1
        identities = [(values, int(values.max(initial=-1)) + 1) for values in self.codes.values()]
        for identity, n_values in (*identities, *map(_identity, self.numeric.values())):
            if n_places * n_values > MOST_PLACES:
                places, n_places = _compact(places, n_places)
            places = places * n_values + identity
            n_places *= n_values
        places, n_places = _compact(places, n_places)
        first = np.zeros(n_places, dtype=np.intp)
        first[places[::-1]] = np.arange(self.size - 1, -1, -1)
        order = np.argsort(first)
        rank = np.empty(n_places, dtype=np.intp)
        rank[order] = np.arange(n_places)
        return first[order], rank[places]


@dataclass(frozen=True, slots=True)
class Observations(Rows):
    """Rows with their response: what the likelihood reads of training data."""

    successes: Floats  # shape (row,)
    trials: Floats  # shape (row,), 1 for a 0/1 response

    @property
    def counts(self) -> Floats:
        """Observations that each row stands for: itself."""
        return np.ones(self.size)

    @property
    def n_observations(self) -> int:
        """Observations that all rows stand for."""
        return self.size

    def support(self, n_nodes: int) -> int:
        """Distinct values of a cell beyond which ``n_nodes`` nodes pay."""
        return 2 * n_nodes

    def take(self, which: Ints | Mask | slice) -> Observations:
        """Select rows by index, mask or slice."""
        rows = Rows.take(self, which)
        return Observations(rows.codes, rows.numeric, rows.size, self.successes[which], self.trials[which])


def product_of(columns: tuple[str, ...], numeric: Mapping[str, Floats], n_rows: int) -> Floats:
    """Product of numeric columns, one number per row (1 without any column)."""
    values = np.ones(n_rows)
    for column in columns:
        values = values * numeric[column]
    return values


def _identity(values: Floats) -> tuple[Ints, int]:
    """Return each value's number among the distinct ones; a few whole numbers need no sorting."""
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if high - low < SMALL_RANGE and abs(low) < EXACT_IN_FLOAT:
        integers = values.astype(np.intp)
        if (integers == values).all():
            return integers - int(low), int(high) - int(low) + 1
    distinct, places = np.unique(values, return_inverse=True)
    return places, len(distinct)


def _compact(places: Ints, n_places: int) -> tuple[Ints, int]:
    """Renumber the places that occur from 0."""
    if n_places > 4 * len(places) + SMALL_RANGE:
        distinct, compact = np.unique(places, return_inverse=True)
        return compact, len(distinct)
    occurs = np.bincount(places, minlength=n_places) > 0
    return (np.cumsum(occurs) - 1)[places], int(occurs.sum())
