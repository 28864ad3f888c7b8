"""What training learned about the columns, as a value: levels, terms, the place of each coefficient.

Every term of the formula class adds, for one row, the product of its numeric columns times one entry of its
coefficient table, looked up by the row's levels. Serving reads this module's values from JSON, so nothing
here may import more than NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from data_science.arrays import Floats

Level = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Factor:
    """A categorical column and its levels, in the order of their codes 0, 1, 2, ..."""

    column: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Coding:
    """How a factor enters the common part of a term.

    ``reduced`` is treatment coding: the first level is the reference and has no coefficient.
    """

    factor: Factor
    reduced: bool

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels that have a coefficient."""
        return self.factor.levels[1:] if self.reduced else self.factor.levels


@dataclass(frozen=True, slots=True)
class Term:
    """One additive term of the linear predictor, under Bambi's name.

    Its coefficients form a table with one axis per coding, then one per grouping factor; they are stored
    flat in C order. An intercept has no axis and no numeric column.
    """

    name: str
    numeric: tuple[str, ...] = ()
    codings: tuple[Coding, ...] = ()
    groups: tuple[Factor, ...] = ()

    @property
    def is_group_specific(self) -> bool:
        """Whether the coefficients vary by a grouping factor and share its standard deviation."""
        return bool(self.groups)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis of the coefficient table."""
        return (*(len(c.levels) for c in self.codings), *(len(g.levels) for g in self.groups))

    @property
    def n_expressions(self) -> int:
        """Columns of the expression left of the bar (or of the whole common term)."""
        return prod(len(c.levels) for c in self.codings)

    @property
    def n_groups(self) -> int:
        """Groups of the grouping factor; 1 for a common term."""
        return prod(len(g.levels) for g in self.groups)

    @property
    def n_coefficients(self) -> int:
        """Entries of the coefficient table."""
        return prod(self.shape)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the term reads."""
        return (
            *self.numeric,
            *(c.factor.column for c in self.codings),
            *(g.column for g in self.groups),
        )

    def multipliers(self, numeric: Mapping[str, Floats], n_rows: int) -> Floats:
        """Product of the term's numeric columns, one per row (1 if it has none)."""
        values = np.ones(n_rows)
        for column in self.numeric:
            values = values * numeric[column]
        return values


@dataclass(frozen=True, slots=True)
class Encoding:
    """All terms of a specification, in Bambi's order, with the levels learned in training."""

    terms: tuple[Term, ...]

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Columns read as numbers, in order of first use."""
        return tuple(dict.fromkeys(column for term in self.terms for column in term.numeric))

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Columns read as levels, in order of first use."""
        found: dict[str, Factor] = {}
        for term in self.terms:
            for factor in (*(c.factor for c in term.codings), *term.groups):
                found.setdefault(factor.column, factor)
        return tuple(found.values())

    @property
    def common(self) -> tuple[Term, ...]:
        """Terms without a grouping factor."""
        return tuple(term for term in self.terms if not term.is_group_specific)

    @property
    def group_specific(self) -> tuple[Term, ...]:
        """Terms with a grouping factor."""
        return tuple(term for term in self.terms if term.is_group_specific)

    @property
    def n_coefficients(self) -> int:
        """Coefficients of all terms together."""
        return sum(term.n_coefficients for term in self.terms)

    @property
    def n_common(self) -> int:
        """Coefficients of the terms without a grouping factor; they come before the others."""
        return sum(term.n_coefficients for term in self.common)

    @property
    def n_sds(self) -> int:
        """Group standard deviations: one for each group-specific term and column of its expression."""
        return sum(term.n_expressions for term in self.group_specific)

    @property
    def slices(self) -> dict[str, slice]:
        """Where each term's flat table is in the vector of all coefficients."""
        ends = np.cumsum([term.n_coefficients for term in self.terms]).tolist()
        return {
            term.name: slice(end - term.n_coefficients, end)
            for term, end in zip(self.terms, ends, strict=True)
        }

    def to_json(self) -> dict[str, Any]:
        """Represent the encoding with JSON types only."""
        return {
            "factors": {factor.column: list(factor.levels) for factor in self.factors},
            "terms": [
                {
                    "name": term.name,
                    "numeric": list(term.numeric),
                    "codings": [[c.factor.column, c.reduced] for c in term.codings],
                    "groups": [g.column for g in term.groups],
                }
                for term in self.terms
            ],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Encoding:
        """Construct the encoding from :meth:`to_json`'s representation."""
        factors = {column: Factor(column, tuple(levels)) for column, levels in document["factors"].items()}
        return cls(
            tuple(
                Term(
                    term["name"],
                    tuple(term["numeric"]),
                    tuple(Coding(factors[column], reduced) for column, reduced in term["codings"]),
                    tuple(factors[column] for column in term["groups"]),
                )
                for term in document["terms"]
            )
        )
