"""Where a row's coefficient is in the flat table of a term: for one row with integers, for many with arrays.

A reference level has no coefficient, nor has a level that training has not seen, whose code is the number of
levels. Such a row gets the place past the last one: an entry of zero there serves it without a condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.formula.encoding import Basis, Term
from data_science.formula.rows import product_of

NO_REFERENCE = 2**62  # past all codes

#: Column, code of the reference that has no place (past all codes if there is none), length. An axis of a
#: basis reads no column: instead of the column it has the place of one column of the basis.
type Axes = tuple[tuple[str | int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Places:
    """The axes of a term's table: those of its expression, then those of its groups."""

    expression: Axes
    groups: Axes
    n_groups: int
    none: int  # the place past the last

    @classmethod
    def of(cls, term: Term, basis: tuple[int, ...] = ()) -> Places:
        """Take the axes from the term; ``basis`` is the place in each of its bases."""
        chosen = iter(basis)
        expression = tuple(
            (next(chosen), 0, len(c.levels))
            if isinstance(c, Basis)
            else (c.factor.column, c.reference if c.reduced else NO_REFERENCE, len(c.levels))
            for c in term.codings
        )
        groups = tuple((g.column, NO_REFERENCE, len(g.levels)) for g in term.groups)
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


@dataclass(frozen=True, slots=True)
class Strand:
    """A part of a term that multiplies one coefficient: the whole term, or one column of its bases."""

    numeric: tuple[str, ...]  # whose product multiplies the coefficient
    places: Places

    def multipliers(self, numeric: Mapping[str, Floats], n_rows: int) -> Floats:
        """Product of its numeric columns, one number per row (1 if it has none)."""
        return product_of(self.numeric, numeric, n_rows)


def strands(term: Term) -> tuple[Strand, ...]:
    """Take a term apart: one strand for every combination of columns of its bases."""
    if not term.bases:
        return (Strand(term.numeric, Places.of(term)),)
    choices = product(*(range(len(basis.columns)) for basis in term.bases))
    return tuple(
        Strand(
            (*term.numeric, *(b.columns[place] for b, place in zip(term.bases, chosen, strict=True))),
            Places.of(term, chosen),
        )
        for chosen in choices
    )


def _flat(axes: Axes, codes: Mapping[str, Any]) -> tuple[Any, Any]:
    """Combine the places on the axes in C order, and return which are inside all of them."""
    flat, inside = 0, True
    for column, reference, length in axes:
        if isinstance(column, int):
            flat = flat * length + column
            continue
        at = codes[column]
        if reference != NO_REFERENCE:
            inside = inside & (at != reference)
            at = at - (at > reference)
        inside = inside & (at < length)
        flat = flat * length + at
    return flat, inside
