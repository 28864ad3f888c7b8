"""Many rows at once: each term's coefficients as a table over all levels, seen or not.

Changes when the arithmetic of batches changes. A table has an entry for every combination of codes, the
reference level and the unseen level included, so a row needs look-ups only, and no conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.errors import FeatureError
from data_science.formula.encoding import Encoding, Term
from data_science.prediction.rows import Rows


@dataclass(frozen=True)
class TermTable:
    """Where each combination of a term's codes finds its coefficient.

    Places count through a vector in which the coefficients are followed by one zero (reference levels) and
    one entry for each group standard deviation (the effect of an unseen group).
    """

    term: Term
    columns: tuple[str, ...]  # factors, codings first
    strides: tuple[int, ...]
    places: Ints  # shape (product of the lengths of all axes,)

    def cell(self, rows: Rows) -> Ints:
        """Return each row's index into ``places``, shape (row,)."""
        if not self.columns:
            return np.zeros(rows.n_rows, dtype=np.intp)
        cell = rows.codes[self.columns[0]]
        if len(self.columns) == 1:
            return cell
        cell = cell * self.strides[0]
        for column, stride in zip(self.columns[1:], self.strides[1:], strict=True):
            cell += rows.codes[column] * stride
        return cell


@dataclass(frozen=True)
class Tables:
    """The tables of all terms of an encoding."""

    encoding: Encoding

    @cached_property
    def terms(self) -> tuple[TermTable, ...]:
        """One table per term, in the encoding's order."""
        zero = self.encoding.n_coefficients
        start, first_sd, found = 0, zero + 1, []
        for term in self.encoding.terms:
            found.append(_table(term, start, zero, first_sd))
            start += term.n_coefficients
            first_sd += term.n_expressions if term.is_group_specific else 0
        return tuple(found)

    @property
    def n_group_sds(self) -> int:
        """Number of group standard deviations: one per group-specific term and expression column."""
        return sum(term.n_expressions for term in self.encoding.group_specific)

    def places(self, rows: Rows) -> list[Ints]:
        """Return for each term the places of the rows' coefficients, shape (row,)."""
        return [table.places[table.cell(rows)] for table in self.terms]

    def logits(self, rows: Rows, coefficients: Floats) -> Floats:
        """Return the linear predictor, shape (row,), with unseen groups at zero.

        Raises
        ------
        FeatureError
            If the numbers overflow it.
        """
        extended = np.concatenate([coefficients, np.zeros(1 + self.n_group_sds)])
        eta = np.zeros(rows.n_rows)
        with np.errstate(over="ignore", invalid="ignore"):
            for table in self.terms:
                if not table.columns:
                    part: Floats | float = extended[table.places[0]]
                else:
                    part = extended[table.places][table.cell(rows)]
                for column in table.term.numeric:
                    part = part * rows.numbers[column]
                eta += part
        return require_finite(eta, rows)


def multiplier(term: Term, rows: Rows) -> Floats:
    """Return the product of a term's numeric columns, shape (row,)."""
    return term.multipliers(rows.numbers, rows.n_rows)


def require_finite(eta: Floats, rows: Rows) -> Floats:
    """Return ``eta`` if all of it is finite, else raise a FeatureError that shows a row's numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = eta.sum()  # one pass; finite only if all of it is
    if not np.isfinite(total) and not np.isfinite(eta).all():
        row = int(np.isfinite(eta).argmin())
        numbers = {column: float(values[row]) for column, values in rows.numbers.items()}
        raise FeatureError(
            f"the numbers {numbers!r} are too large to score; expected the range seen in training"
        )
    return eta


def _table(term: Term, start: int, zero: int, first_sd: int) -> TermTable:
    lengths = [len(c.factor.levels) + 1 for c in term.codings] + [len(g.levels) + 1 for g in term.groups]
    strides = [prod(lengths[axis + 1 :]) for axis in range(len(lengths))]
    expression = _axes([_coding_axis(len(c.factor.levels), c.reduced) for c in term.codings])
    group = _axes([_group_axis(len(g.levels)) for g in term.groups])
    absent = expression < 0
    seen = start + expression[:, None] * term.n_groups + group[None, :]
    unseen = np.broadcast_to(first_sd + expression[:, None], seen.shape) if term.groups else zero
    places = np.where(absent[:, None], zero, np.where(group[None, :] < 0, unseen, seen))
    columns = (*(c.factor.column for c in term.codings), *(g.column for g in term.groups))
    return TermTable(term, columns, tuple(strides), places.ravel().astype(np.intp))


def _coding_axis(n_levels: int, reduced: bool) -> Ints:
    axis = np.arange(n_levels + 1, dtype=np.intp) - int(reduced)
    axis[-1] = -1  # never asked for: the reader refuses unseen levels of common effects
    return axis


def _group_axis(n_levels: int) -> Ints:
    return np.append(np.arange(n_levels, dtype=np.intp), -1)


def _axes(axes: Sequence[Ints]) -> Ints:
    """Combine axes in C order; -1 where any of them is."""
    flat = np.zeros(1, dtype=np.intp)
    for axis in axes:
        length = int(axis.max(initial=-1)) + 1
        combined = flat[:, None] * length + axis[None, :]
        flat = np.where((flat[:, None] < 0) | (axis[None, :] < 0), -1, combined).ravel()
    return flat
