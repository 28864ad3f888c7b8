"""What training learned about the columns, as a value: levels, terms, the place of each coefficient.

Every term of the formula class adds, for one row, the product of its numeric columns times one entry of its
coefficient table, looked up by the row's levels; a term with a basis adds that for every column of the basis.
Numeric columns are the table's own and those that are derived from them. Serving reads this module's values
from JSON, so nothing here may import more than NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.formula.rows import product_of

if TYPE_CHECKING:
    from data_science.formula.derived import Contrasts, Derived, Input

Level = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Factor:
    """A categorical column and its levels, in the order of their codes 0, 1, 2, ..."""

    column: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Coding:
    """How a factor enters the common part of a term.

    ``reduced`` is treatment coding: the reference, the first level by default, has no coefficient.
    """

    factor: Factor
    reduced: bool
    reference: int = 0  # code of the reference

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels that have a coefficient."""
        levels = self.factor.levels
        return levels[: self.reference] + levels[self.reference + 1 :] if self.reduced else levels


@dataclass(frozen=True, slots=True)
class Basis:
    """Numeric columns side by side in a term, each with coefficients of its own: a spline, contrasts."""

    columns: tuple[str, ...]
    levels: tuple[Level, ...]  # their labels


@dataclass(frozen=True, slots=True)
class Term:
    """One additive term of the linear predictor, under Bambi's name.

    Its coefficients form a table with one axis per coding or basis, then one per grouping factor; they are
    stored flat in C order. An intercept has no axis and no numeric column.
    """

    name: str
    numeric: tuple[str, ...] = ()
    codings: tuple[Coding | Basis, ...] = ()
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
    def factors(self) -> tuple[Factor, ...]:
        """Factors whose levels find the coefficient, those of the expression first."""
        return (*(c.factor for c in self.codings if isinstance(c, Coding)), *self.groups)

    @property
    def bases(self) -> tuple[Basis, ...]:
        """What has several numeric columns."""
        return tuple(c for c in self.codings if isinstance(c, Basis))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the term multiplies or looks up."""
        bases = (column for basis in self.bases for column in basis.columns)
        return (*self.numeric, *bases, *(factor.column for factor in self.factors))

    def place_in_bases(self, expression: int) -> int:
        """Which combination of columns of its bases a column of the expression belongs to; 0 without any."""
        place = np.unravel_index(expression, [len(c.levels) for c in self.codings])
        at = [k for k, c in zip(place, self.codings, strict=True) if isinstance(c, Basis)]
        return int(np.ravel_multi_index(at, [len(basis.columns) for basis in self.bases]))

    def multipliers(self, numeric: Mapping[str, Floats], n_rows: int) -> Floats:
        """Product of the term's numeric columns but its bases', one per row (1 if it has none)."""
        return product_of(self.numeric, numeric, n_rows)


@dataclass(frozen=True, slots=True)
class Encoding:
    """All terms of a specification, in Bambi's order, with what was learned in training."""

    terms: tuple[Term, ...]
    derived: tuple[Derived, ...] = ()
    contrasts: tuple[tuple[Factor, Contrasts], ...] = ()
    offsets: tuple[tuple[str, str], ...] = ()  # each term's name and numeric column, whose coefficient is 1
    inputs: tuple[Input, ...] = ()

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Numbers that rows hold, in order of first use: columns of the table and what is derived."""
        used = (c for t in self.terms for c in (*t.numeric, *(c for b in t.bases for c in b.columns)))
        return tuple(dict.fromkeys([*used, *(column for _, column in self.offsets)]))

    @property
    def number_columns(self) -> tuple[str, ...]:
        """Columns of the table that are read as numbers."""
        made = {column for one in self.derived for column in one.columns}
        made |= {column for _, one in self.contrasts for column in one.columns}
        plain = (column for column in self.numeric_columns if column not in made)
        return tuple(dict.fromkeys([*plain, *(column for one in self.derived for column in one.reads)]))

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Columns read as levels, in order of first use."""
        found: dict[str, Factor] = {}
        of_terms = (factor for term in self.terms for factor in term.factors)
        for factor in (*of_terms, *(factor for factor, _ in self.contrasts)):
            found.setdefault(factor.column, factor)
        return tuple(found.values())

    @property
    def common_factors(self) -> frozenset[str]:
        """Columns whose levels have effects without a distribution, so that none can stand in for another."""
        coded = {c.factor.column for term in self.terms for c in term.codings if isinstance(c, Coding)}
        return frozenset(coded | {factor.column for factor, _ in self.contrasts})

    def numeric_of(
        self,
        numbers: Mapping[str, Floats],
        codes: Mapping[str, Ints],
        n_rows: int,
        first: int | None = 0,
    ) -> dict[str, Floats]:
        """Compute the numbers that rows hold.

        Parameters
        ----------
        numbers : mapping from each of ``number_columns`` to array, shape (row,)
        codes : mapping from each factor's column to array, shape (row,)
        n_rows : int
        first : int or None
            Number of the first row, for messages; None for a row that has none.

        Raises
        ------
        FeatureError
            If a function has no finite value for a row.
        """
        if not self.derived and not self.contrasts:
            return dict(numbers)
        found = dict(numbers)
        for function in self.derived:
            found |= function.evaluate(numbers, n_rows, first)
        for _, contrasts in self.contrasts:
            found |= contrasts.evaluate(codes)
        return {column: found[column] for column in self.numeric_columns}

    def offset(self, numeric: Mapping[str, Floats], n_rows: int) -> Floats | None:
        """Sum of the offsets, shape (row,); None without any."""
        if not self.offsets:
            return None
        return np.sum([np.broadcast_to(numeric[column], n_rows) for _, column in self.offsets], axis=0)

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

    def offset_of(self, column: str) -> str:
        """Name of the offset that reads a column of the table; empty if none does."""
        reads = {made: one.reads for one in self.derived for made in one.columns}
        return next((name for name, made in self.offsets if column in reads.get(made, (made,))), "")

    def to_json(self) -> dict[str, Any]:
        """Represent the encoding with JSON types only; functions are left out where there are none."""
        functions = {
            "derived": [one.to_json() for one in self.derived],
            "contrasts": [one.to_json() for _, one in self.contrasts],
            "offsets": [list(pair) for pair in self.offsets],
            "inputs": [[one.column, one.low, one.high] for one in self.inputs],
        }
        return {name: part for name, part in functions.items() if part} | {
            "factors": {factor.column: list(factor.levels) for factor in self.factors},
            "terms": [
                {
                    "name": term.name,
                    "numeric": list(term.numeric),
                    "codings": [_coding_to_json(c) for c in term.codings],
                    "groups": [g.column for g in term.groups],
                }
                for term in self.terms
            ],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Encoding:
        """Construct the encoding from :meth:`to_json`'s representation."""
        factors = {column: Factor(column, tuple(levels)) for column, levels in document["factors"].items()}
        terms = tuple(
            Term(
                term["name"],
                tuple(term["numeric"]),
                tuple(_coding_from_json(coding, factors) for coding in term["codings"]),
                tuple(factors[column] for column in term["groups"]),
            )
            for term in document["terms"]
        )
        if document.keys() == {"factors", "terms"}:
            return cls(terms)  # a start of serving pays for functions only if there are some
        from data_science.formula.derived import Contrasts, Derived, Input

        contrasts = map(Contrasts.from_json, document.get("contrasts", []))
        return cls(
            terms,
            tuple(map(Derived.from_json, document.get("derived", []))),
            tuple((factors[one.column], one) for one in contrasts),
            tuple((name, column) for name, column in document.get("offsets", [])),
            tuple(Input(column, low, high) for column, low, high in document.get("inputs", [])),
        )


def _coding_to_json(coding: Coding | Basis) -> Any:
    if isinstance(coding, Basis):
        return {"columns": list(coding.columns), "levels": list(coding.levels)}
    stated = [coding.factor.column, coding.reduced]
    return [*stated, coding.reference] if coding.reference else stated


def _coding_from_json(document: Any, factors: Mapping[str, Factor]) -> Coding | Basis:
    if isinstance(document, Mapping):
        return Basis(tuple(document["columns"]), tuple(document["levels"]))
    column, *rest = document
    return Coding(factors[column], *rest)
