"""Models as data: a formula, its priors, and the class of formulas that is trained, stored and served.

Formulae, the parser that Bambi uses, reads the formula; what it finds outside the class is refused here,
when the specification is made, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from formulae.parser import Parser
from formulae.scanner import Scanner
from formulae.terms import GroupSpecificTerm, Intercept, Variable
from formulae.terms.call_resolver import LazyCall

from data_science.data.responses import Response
from data_science.errors import SpecificationError
from data_science.formula.calls import Contrast, contrast_of, function_of, is_offset
from data_science.formula.column_names import (
    require_columns,
    require_distinct,
    require_one_meaning,
    require_one_name,
    require_variable,
)
from data_science.formula.expressions import Column, Expression
from data_science.formula.priors import COMMON, GROUP_SD, Prior
from data_science.formula.reading import GROUPS_IN_PARENTHESES, balanced, describe, hint
from data_science.formula.responses import require_readable, response_of

DEFAULT_FORMULA = "label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)"

#: Weakly informative on standardised predictors: at the average row the prior's 95 % interval for the
#: probability is 5 % to 95 %, and one sd of a predictor multiplies the odds by 1/7 to 7.
DEFAULT_PRIORS: Mapping[str, Prior] = {
    "Intercept": Prior("Normal", mu=0, sigma=1.5),
    "common": Prior("Normal", mu=0, sigma=1),
    "group_sd": Prior("HalfNormal", sigma=1),
}

_CLASS = (
    "expected an intercept, numeric and categorical columns (C(column) reads numbers as categories), "
    "functions of numeric columns such as scale(x), log(x), bs(x, df=5) or I(x**2), their interactions, "
    "offset(x), and group-specific terms such as (1 | g), (x | g) or (1 | g:h)"
)


@dataclass(frozen=True, slots=True)
class Component:
    """A column in a term, or a function of columns; ``categorical`` if the formula itself says so, by C()."""

    column: str  # of a function: its name, as the formula writes it
    categorical: bool = False
    contrast: Contrast | None = None
    function: Expression | None = None
    written: str = ""  # how the formula writes it, if not by the column's name

    @property
    def name(self) -> str:
        """How the formula writes it."""
        return self.written or self.column

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the table that it reads."""
        return (self.column,) if self.function is None else self.function.columns


@dataclass(frozen=True, slots=True)
class ParsedTerm:
    """A term as the formula states it, before any data: expression, and groups if it is group-specific."""

    name: str
    expression: tuple[Component, ...]
    groups: tuple[Component, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the table that it reads."""
        return tuple(column for part in (*self.expression, *self.groups) for column in part.reads)


@dataclass(frozen=True)
class ModelSpecification:
    """A hierarchical logistic regression: formula, priors, and the unit the priors are stated in.

    Parameters
    ----------
    formula : str
        A Bambi formula made of an intercept, numeric and categorical common effects, functions of numeric
        columns (`data_science.formula.functions`), their interactions, offsets, group-specific intercepts
        and slopes, and interaction groups. The response is a 0/1 column, a level of a column, as in
        ``choice['blue']``, or ``p(successes, trials)``.
    priors : mapping of str to Prior
        Keys: "Intercept" (at centred predictors, as in Bambi), "common", "group_sd", or a term's own name
        ("period", "1|herd"; for a group-specific term, the prior of its standard deviation). What is
        absent takes the default.
    standardize : bool
        True (default): a prior of a slope, or of a slope's group sd, is per sd of its numeric columns.
        False: per unit.

    Raises
    ------
    SpecificationError
        With the reason, if the formula or a prior is outside the class.

    Examples
    --------
    >>> from data_science import ModelSpecification, Prior
    >>> specification = ModelSpecification(
    ...     "p(incidence, size) ~ period + (1 | herd)",
    ...     priors={"period": Prior("Normal", mu=0, sigma=2), "group_sd": Prior("Exponential", lam=1)},
    ... )
    >>> specification.columns
    ('period', 'herd')
    >>> specification.to_json()["priors"]["1|herd"]
    {'name': 'Exponential', 'lam': 1.0}
    """

    formula: str = DEFAULT_FORMULA
    priors: Mapping[str, Prior] = field(default_factory=dict)
    standardize: bool = True
    response: Response = field(init=False, repr=False, compare=False)
    terms: tuple[ParsedTerm, ...] = field(init=False, repr=False, compare=False)
    offsets: tuple[ParsedTerm, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        response, terms, offsets = _parse(self.formula)
        object.__setattr__(self, "response", response)
        object.__setattr__(self, "terms", terms)
        object.__setattr__(self, "offsets", offsets)
        if not isinstance(self.priors, Mapping):
            raise SpecificationError(
                f"priors is {self.priors!r}; expected a mapping from term to Prior, such as "
                '{"Intercept": Prior("Normal", mu=0, sigma=1)}'
            )
        if not isinstance(self.standardize, bool):
            raise SpecificationError(f"standardize is {self.standardize!r}; expected True or False")
        object.__setattr__(self, "priors", dict(self.priors))
        self._check_priors()

    def __hash__(self) -> int:
        return hash(
            (self.formula, tuple(sorted(self.priors.items(), key=lambda kv: kv[0])), self.standardize)
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Predictor columns, in order of first use."""
        return tuple(dict.fromkeys(c for t in (*self.terms, *self.offsets) for c in t.reads))

    def prior(self, term: ParsedTerm) -> Prior:
        """Prior of a term's coefficients (of its sd, for a group-specific term), as stated."""
        kind = "group_sd" if term.groups else "Intercept" if term.name == "Intercept" else "common"
        for key in (term.name, kind):
            if key in self.priors:
                return self.priors[key]
        return DEFAULT_PRIORS[kind]

    def to_json(self) -> dict[str, Any]:
        """Represent the specification with JSON types."""
        priors = {t.name: self.prior(t).to_json() for t in self.terms}
        return {"formula": self.formula, "priors": priors, "standardize": self.standardize}

    def _check_priors(self) -> None:
        names = {term.name for term in self.terms}
        known = names | {"Intercept", "common", "group_sd"}
        for key, prior in self.priors.items():
            if key in names & {"common", "group_sd"}:
                raise SpecificationError(
                    f"a prior is given for {key!r}, which is both a term of {self.formula!r} and the key of "
                    "many terms: rename the column"
                )
            if key not in known:
                raise SpecificationError(
                    f"a prior is given for {key!r}, which is not a term of {self.formula!r}; "
                    f"expected one of {sorted(known)}"
                )
            if not isinstance(prior, Prior):
                raise SpecificationError(
                    f"the prior of {key!r} is {prior!r}; expected data_science.Prior, such as "
                    'Prior("Normal", mu=0, sigma=1)'
                )
        for term in self.terms:
            family, allowed = self.prior(term).name, GROUP_SD if term.groups else COMMON
            if family not in allowed:
                kind = "a standard deviation" if term.groups else "a coefficient"
                raise SpecificationError(
                    f"{family} is the prior of {term.name!r}, {kind}; expected one of {', '.join(allowed)}"
                )


def _parse(formula: str) -> tuple[Response, tuple[ParsedTerm, ...], tuple[ParsedTerm, ...]]:
    if not isinstance(formula, str):
        raise SpecificationError(f"the formula is {formula!r}; expected a string such as {DEFAULT_FORMULA!r}")
    try:
        require_columns(formula)
        parser = Parser(Scanner(balanced(formula)).scan())
        described = describe(parser.parse(), formula)
    except SpecificationError:
        raise
    # formulae raises whatever its scanner, parser and resolver run into; all of it means the same here
    except Exception as error:
        require_readable(formula)
        instead = hint(formula, str(error))
        raise SpecificationError(f"formula {formula!r} cannot be read: {error}{instead}") from error
    if not parser.at_end():  # formulae would ignore it, such as "| g" without parentheses
        require_readable(formula)
        rest = " ".join(str(token.lexeme) for token in parser.tokens[parser.current : -1])
        instead = GROUPS_IN_PARENTHESES if rest.startswith("|") else hint(formula)
        raise SpecificationError(
            f"formula {formula!r} cannot be read: {rest!r} follows its end; {_CLASS}{instead}"
        )
    if described.response is None:
        raise SpecificationError(
            f"formula {formula!r} has no response; write, for example, {DEFAULT_FORMULA!r}"
        )
    response = response_of(described.response.term.components[0], formula)
    offsets = tuple(_offset(term, formula) for term in described.terms if is_offset(term))
    terms = tuple(parse_term(term, formula) for term in described.terms if not is_offset(term))
    if not terms:
        raise SpecificationError(f"formula {formula!r} has nothing to estimate; {_CLASS}")
    require_one_meaning(formula, (*terms, *offsets))
    require_one_name(formula, terms)
    used = {column for term in (*terms, *offsets) for column in term.reads}
    if overlap := used & {response.successes, response.trials}:
        raise SpecificationError(f"formula {formula!r} predicts the response from itself: {sorted(overlap)}")
    for column in filter(None, (response.successes, response.trials)):
        require_variable(formula, column, [column])
    require_distinct(formula, terms, {c for t in terms for c in t.expression if c.categorical})
    return response, terms, offsets


def parse_term(term: Any, formula: str) -> ParsedTerm:
    """Read one of formulae's terms; refuse what is outside the class."""
    if isinstance(term, Intercept):
        return ParsedTerm("Intercept", ())
    if isinstance(term, GroupSpecificTerm):
        expression = () if isinstance(term.expr, Intercept) else term.expr.components
        return ParsedTerm(
            term.name,
            tuple(_component(c, formula) for c in expression),
            tuple(_group(c, formula) for c in term.factor.components),
        )
    return ParsedTerm(term.name, tuple(_component(c, formula) for c in term.components))


def _offset(term: Any, formula: str) -> ParsedTerm:
    """Read ``offset(z)``: a column, or a function of columns, whose coefficient is 1."""
    (component,) = term.components
    call, where = component.call, f"{component.name!r} in {formula!r}"
    if len(call.args) != 1 or call.kwargs:
        raise SpecificationError(f"{where} takes one column or function of columns, such as log(n)")
    function = function_of(LazyCall("I", call.args, {}), where)
    if isinstance(function.operand, Column):
        return ParsedTerm(term.name, (Component(function.operand.name),))
    return ParsedTerm(term.name, (Component(component.name, function=function),))


def _component(component: Any, formula: str) -> Component:
    if isinstance(component, Variable):
        if isinstance(component.name, str) and component.reference is None:
            return Component(component.name)
        raise SpecificationError(
            f"{component.name!r} in {formula!r} is a constant or selects a level; {_CLASS}"
        )
    call, where = component.call, f"{component.name!r} in {formula!r}"
    if call.callee == "offset":
        raise SpecificationError(f"{where} is no term of its own: an offset has no coefficient to vary")
    if (coded := contrast_of(call, where)) is not None:
        column, contrast = coded
        return Component(column, categorical=True, contrast=contrast, written=component.name)
    return Component(component.name, function=function_of(call, where))


def _group(component: Any, formula: str) -> Component:
    """Read a grouping factor: a column, whatever its coding as a common effect would be."""
    found = _component(component, formula)
    if found.function is not None or found.contrast is not None:
        raise SpecificationError(
            f"{component.name!r} in {formula!r} groups by a function; expected a column, or C(column). "
            "Add the computed groups to the table instead"
        )
    return found
