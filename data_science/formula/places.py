"""Where a row's coefficient is in the flat table of a term: for one row with integers, for many with arrays.

A reference level has no coefficient, nor has a level that training has not seen, whose code is the number of
levels. Such a row gets the place past the last one: an entry of zero there serves it without a condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_science.arrays import Ints
from data_science.formula.encoding import Term

type Axes = tuple[tuple[str, int, int], ...]  # column, levels at the start that have no place, length


@dataclass(frozen=True, slots=True)
class Places:
    """The axes of a term's table: those of its expression, then those of its groups."""

    expression: Axes
    groups: Axes
    n_groups: int
    none: int  # the place past the last

    @classmethod
    def of(cls, term: Term) -> Places:
        """Take the axes from the term."""
        expression = tuple((c.factor.column, int(c.reduced), len(c.levels)) for c in term.codings)
        groups = tuple((g.column, 0, len(g.levels)) for g in term.groups)
        return cls(expression, groups, term.n_groups, term.n_coefficients)

    def row(self, codes: Mapping[str, int]) -> int:
        """Return the place of one row's coefficient."""
        place, is_inside = _flat((*self.expression, *self.groups), codes)
        return place if is_inside else self.none

    def rows(self, codes: Mapping[str, Ints], n_rows: int) -> Ints:
        """Return the place of each row's coefficient, shape (row,).

        Parameters
        ----------
        codes : mapping from column to int array, shape (row,)
            Codes of the rows' levels.
        n_rows : int
            Number of rows (an intercept reads no column to count).
        """
        place, is_inside = _flat((*self.expression, *self.groups), codes)
        return np.broadcast_to(np.where(is_inside, place, self.none), n_rows)

    def split(self, codes: Mapping[str, Ints]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """Return each row's column of the expression and its group, and whether there is one.

        Returns
        -------
        (int, bool), or arrays of them
            The column of the expression, and whether there is one: a reference level has none.
        (int, bool), or arrays of them
            The group, and whether training has seen it.
        """
        return _flat(self.expression, codes), _flat(self.groups, codes)


def _flat(axes: Axes, codes: Mapping[str, Any]) -> tuple[Any, Any]:
    """Combine the places on the axes in C order, and return which are inside all of them."""
    flat, inside = 0, True
    for column, dropped, length in axes:
        at = codes[column] - dropped
        inside = inside & (at >= 0) & (at < length)
        flat = flat * length + at
    return flat, inside
