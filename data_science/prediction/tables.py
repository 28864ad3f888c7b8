"""Many rows at once: each term's coefficients as a table over all levels, seen or not.

Changes when the arithmetic of batches changes. A table has an entry for every combination of codes, the
reference level and the unseen level included, so a row needs look-ups only, and no conditions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.errors import FeatureError
from data_science.formula.encoding import Encoding, Term
from data_science.formula.places import Strand, strands
from data_science.formula.rows import Rows

MOST_CELLS = 2**20  # combinations of levels up to which each has its place in a table


@dataclass(frozen=True)
class TermTable:
    """Where each combination of a term's codes finds its coefficient: of a basis, that of one of its columns.

    Places count through a vector in which the coefficients are followed by one zero (reference levels) and
    one entry for each group standard deviation (the effect of an unseen group).
    """

    term: Term
    strand: Strand
    start: int  # place of the term's first coefficient
    zero: int
    first_sd: int  # place of the term's first group standard deviation

    @property
    def numeric(self) -> tuple[str, ...]:
        """Numeric columns whose product multiplies the coefficient."""
        return self.strand.numeric

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Factors, codings first."""
        return tuple(factor.column for factor in self.term.factors)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Codes of each axis, that of an unseen level included."""
        return tuple(len(factor.levels) + 1 for factor in self.term.factors)

    @cached_property
    def table(self) -> Ints | None:
        """Places by cell, flat; None if there are too many cells to list."""
        if prod(self.lengths) > MOST_CELLS:
            return None
        axes = np.unravel_index(np.arange(prod(self.lengths)), self.lengths) if self.lengths else ()
        return np.atleast_1d(self._placed(dict(zip(self.columns, axes, strict=True))))

    def cell(self, codes: Mapping[str, Ints]) -> Ints:
        """Return each row's index into ``table``, shape (row,), of a term that reads a factor."""
        cell = codes[self.columns[0]]
        if len(self.columns) == 1:
            return cell
        for column, length in zip(self.columns[1:], self.lengths[1:], strict=True):
            cell = cell * length + codes[column]
        return cell

    def places(self, rows: Rows) -> Ints:
        """Return each row's place, shape (row,)."""
        if self.table is None:
            return self._placed(rows.codes)
        if not self.columns:
            return self.table.repeat(len(rows))
        return self.table[self.cell(rows.codes)]

    def values(self, rows: Rows, by_place: Floats) -> Floats:
        """Return each row's entry of ``by_place``, shape (row,), or (1,) where no factor tells rows apart."""
        if self.table is None:
            return by_place[self.places(rows)]
        by_cell = by_place[self.table]
        return by_cell[self.cell(rows.codes)] if self.columns else by_cell

    def _placed(self, codes: Mapping[str, Ints]) -> Ints:
        axes = self.strand.places
        (expression, is_coded), (group, is_seen) = axes.split(codes)
        seen = self.start + expression * axes.n_groups + group
        placed = np.where(is_seen, seen, self.first_sd + expression)
        return np.where(is_coded, placed, self.zero)


@dataclass(frozen=True)
class Tables:
    """The tables of all terms of an encoding."""

    encoding: Encoding

    @cached_property
    def terms(self) -> tuple[TermTable, ...]:
        """One table per term and column of its bases, in the encoding's order."""
        zero = self.encoding.n_coefficients
        start, first_sd, found = 0, zero + 1, []
        for term in self.encoding.terms:
            found += [TermTable(term, strand, start, zero, first_sd) for strand in strands(term)]
            start += term.n_coefficients
            first_sd += term.n_expressions if term.is_group_specific else 0
        return tuple(found)

    def places(self, rows: Rows) -> list[Ints]:
        """Return for each table the places of the rows' coefficients, shape (row,)."""
        return [table.places(rows) for table in self.terms]

    def logits(self, rows: Rows, coefficients: Floats) -> Floats:
        """Return the linear predictor, shape (row,), with unseen groups at zero.

        Raises
        ------
        FeatureError
            If the numbers overflow it.
        """
        extended = np.concatenate([coefficients, np.zeros(1 + self.encoding.n_sds)])
        offset = self.encoding.offset(rows.numeric, len(rows))
        eta = np.zeros(len(rows)) if offset is None else offset
        with np.errstate(over="ignore", invalid="ignore"):
            for table in self.terms:
                part = table.values(rows, extended)
                for column in table.numeric:
                    part = part * rows.numeric[column]
                eta += part
        return require_finite(eta, rows)


def multiplier(table: TermTable, rows: Rows) -> Floats:
    """Return the product of a table's numeric columns, shape (row,)."""
    return table.strand.multipliers(rows.numeric, len(rows))


def require_finite(eta: Floats, rows: Rows) -> Floats:
    """Return ``eta`` if all of it is finite, else raise a FeatureError that shows a row's numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = eta.sum()  # one pass; finite only if all of it is
    if not np.isfinite(total) and not np.isfinite(eta).all():
        row = int(np.isfinite(eta).argmin())
        numbers = {column: float(values[row]) for column, values in rows.numeric.items()}
        raise FeatureError(
            f"the numbers {numbers!r} are too large to score; expected the range seen in training"
        )
    return eta
