"""From components to coded terms: which factors have a reference, contrasts, what functions learn.

As in Bambi, formulae decides which factors are coded in full and which against a reference; it depends on the
kinds of the columns only, so it is asked on a tiny frame instead of the data, where a function is a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from formulae import model_description
from formulae.categorical import ENCODINGS
from formulae.environment import Environment
from formulae.matrices import DesignMatrices
from formulae.terms import Variable

from data_science.arrays import Floats
from data_science.errors import SpecificationError
from data_science.formula.calls import is_offset
from data_science.formula.derived import Contrasts, Derived
from data_science.formula.encoding import Basis, Coding, Factor, Term
from data_science.formula.reading import balanced
from data_science.formula.specification import Component, ModelSpecification, ParsedTerm
from data_science.formula.training import learned

_ROWS = 16

#: Terms of the design, and which of their categorical components are coded against a reference level.
Materialised = list[tuple[ParsedTerm, dict[Component, bool]]]


def materialised(
    specification: ModelSpecification, coded: frozenset[Component], factors: Mapping[str, Factor]
) -> Materialised:
    """Ask formulae for the terms and their codings.

    It may add a term that the formula does not name, such as ``b`` for ``a:b`` without its margins.

    Raises
    ------
    SpecificationError
        If formulae cannot code them, or a contrast names a level that the data do not have.
    """
    stated = {c.name: c for term in specification.terms for c in (*term.expression, *term.groups)}
    description = model_description(balanced(specification.formula))
    description.common_terms = [term for term in description.common_terms if not is_offset(term)]
    frame = _tiny_frame(specification, coded, factors)
    for term in description.terms:
        components = _components(term)
        for place, component in enumerate(components):
            if stated[component.name].function is not None:
                frame[component.name] = frame[stated[component.name].reads[0]].to_numpy(np.float64)
                components[place] = Variable(component.name)
    try:
        matrices = DesignMatrices(description, frame, Environment.capture())
    # It raises whatever it runs into, such as TypeError for g:C(n) without C(n).
    except Exception as error:
        raise SpecificationError(
            f"formulae, and so Bambi, cannot code {specification.formula!r} ({error}): write the margins of "
            "its interactions out, as in g * C(n), or make the columns of C() text"
        ) from error
    parts = (part.terms.values() for part in (matrices.common, matrices.group) if part is not None)
    return [_read(term, stated) for terms in parts for term in terms]


@dataclass(frozen=True, slots=True)
class Coder:
    """Makes terms of components, and collects what is derived for them."""

    factors: Mapping[str, Factor]
    numbers: Mapping[str, Floats]  # column -> shape (row,), of training
    derived: dict[str, Derived] = field(default_factory=dict)
    contrasts: dict[str, tuple[Factor, Contrasts]] = field(default_factory=dict)

    def term(self, parsed: ParsedTerm, reduced: Mapping[Component, bool]) -> Term:
        """Code one term."""
        numeric: list[str] = []
        codings: list[Coding | Basis] = []
        for component in parsed.expression:
            if component in reduced:
                codings.append(self._levels(component, reduced[component]))
            elif component.function is None:
                numeric.append(component.column)
            elif len(columns := self.function(component)) == 1:
                numeric.append(columns[0])
            else:
                codings.append(Basis(columns, tuple(range(len(columns)))))
        groups = tuple(self.factors[c.column] for c in parsed.groups)
        return Term(parsed.name, tuple(numeric), tuple(codings), groups)

    def function(self, component: Component) -> tuple[str, ...]:
        """Let a function learn from the training rows; return the columns that it makes."""
        name, stated = component.name, component.function
        if stated is None:
            return (component.column,)
        if name not in self.derived:
            with np.errstate(all="ignore"):  # what is not finite is refused with its row, later
                function = learned(stated, self.numbers)
                n = len(function.evaluate({c: values[:1] for c, values in self.numbers.items()}))
            columns = tuple(f"{name}[{k}]" for k in range(n)) if n > 1 else (name,)
            self.derived[name] = Derived(name, columns, function)
        return self.derived[name].columns

    def _levels(self, component: Component, is_reduced: bool) -> Coding | Basis:
        factor, contrast = self.factors[component.column], component.contrast
        if contrast is None:
            return Coding(factor, is_reduced)
        if contrast.kind == "Treatment":
            return Coding(factor, is_reduced, _code(component, factor) if is_reduced else 0)
        sums = ENCODINGS["Sum"](contrast.level)
        coded = (sums.code_without_intercept if is_reduced else sums.code_with_intercept)(list(factor.levels))
        columns = tuple(f"{component.name}[{label}]" for label in coded.labels)
        matrix = tuple(tuple(map(float, row)) for row in coded.matrix)
        self.contrasts["|".join(columns)] = factor, Contrasts(factor.column, columns, matrix)
        return Basis(columns, tuple(coded.labels))


def _code(component: Component, factor: Factor) -> int:
    level = component.contrast.level if component.contrast else None
    if level is not None and level not in factor.levels:
        shown = ", ".join(map(repr, factor.levels[:8]))
        raise SpecificationError(
            f"{component.name!r} names {level!r}, which is no level of {factor.column!r}; "
            f"expected one of {shown}"
        )
    return 0 if level is None else factor.levels.index(level)


def _tiny_frame(
    specification: ModelSpecification, coded: frozenset[Component], factors: Mapping[str, Factor]
) -> pd.DataFrame:
    """Frame with the kinds of the columns; where a contrast names a level, with levels of the data."""
    frame: dict[str, Any] = specification.response.example(_ROWS)
    plainly_categorical = {c.column for c in coded if not c.categorical}
    named: dict[str, list[Any]] = {}
    for component in coded:
        if component.contrast is not None:
            factor = factors[component.column]
            named.setdefault(component.column, list(factor.levels[:2])).append(
                factor.levels[_code(component, factor)]
            )
    for k, column in enumerate(specification.columns):
        pattern = np.arange(_ROWS) // 2 ** (k % 3) % 2
        values: Any = pattern
        if column in named:
            levels = list(dict.fromkeys(named[column]))
            values = [levels[i] for i in (pattern + 2 * (np.arange(_ROWS) // 8)) % len(levels)]
        elif column in plainly_categorical:
            values = np.array(["a", "b"])[pattern]
        frame[column] = values
    return pd.DataFrame(frame)


def _components(term: Any) -> list[Any]:
    """Components of the expression of one of formulae's terms, to be changed in place."""
    return getattr(getattr(term, "expr", term), "components", [])


def _read(term: Any, stated: Mapping[str, Component]) -> tuple[ParsedTerm, dict[Component, bool]]:
    components = _components(term)
    expression = tuple(stated[c.name] for c in components)
    groups = tuple(stated[c.name] for c in term.factor.components) if hasattr(term, "factor") else ()
    reduced = {
        component: not theirs.spans_intercept
        for component, theirs in zip(expression, components, strict=True)
        if theirs.kind == "categoric"
    }
    name = term.name if components or groups else "Intercept"
    return ParsedTerm(name, expression, groups), reduced
