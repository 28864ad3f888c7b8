"""Models as data: a formula, its priors, and the class of formulas that is trained, stored and served.

Formulae, the parser that Bambi uses, reads the formula; what it finds outside the class is refused here,
when the specification is made, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from formulae import model_description
from formulae.parser import Parser
from formulae.scanner import Scanner
from formulae.terms import Call, GroupSpecificTerm, Intercept, Variable

from data_science.data.dataset import Response
from data_science.errors import SpecificationError
from data_science.formula.column_names import require_columns, require_distinct
from data_science.formula.priors import COMMON, GROUP_SD, Prior
from data_science.formula.reading import balanced, hint

DEFAULT_FORMULA = "label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)"

#: Weakly informative on standardised predictors: at the average row the prior's 95 % interval for the
#: probability is 5 % to 95 %, and one sd of a predictor multiplies the odds by 1/7 to 7.
DEFAULT_PRIORS: Mapping[str, Prior] = {
    "Intercept": Prior("Normal", mu=0, sigma=1.5),
    "common": Prior("Normal", mu=0, sigma=1),
    "group_sd": Prior("HalfNormal", sigma=1),
}

_CLASS = (
    "expected an intercept, numeric and categorical columns (C(column) reads numbers as categories), their "
    "interactions, and group-specific terms such as (1 | g), (x | g) or (1 | g:h)"
)
_PROPORTION = {"p", "prop", "proportion"}


@dataclass(frozen=True, slots=True)
class Component:
    """A column in a term; ``categorical`` if the formula itself says so, by C()."""

    column: str
    categorical: bool = False


@dataclass(frozen=True, slots=True)
class ParsedTerm:
    """A term as the formula states it, before any data: expression, and groups if it is group-specific."""

    name: str
    expression: tuple[Component, ...]
    groups: tuple[Component, ...] = ()


@dataclass(frozen=True)
class ModelSpecification:
    """A hierarchical logistic regression: formula, priors, and the unit the priors are stated in.

    Parameters
    ----------
    formula : str
        A Bambi formula made of an intercept, numeric and categorical common effects, their interactions,
        group-specific intercepts and slopes, and interaction groups. The response is a 0/1 column or
        ``p(successes, trials)``.
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

    def __post_init__(self) -> None:
        response, terms = _parse(self.formula)
        object.__setattr__(self, "response", response)
        object.__setattr__(self, "terms", terms)
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
        return tuple(dict.fromkeys(c.column for t in self.terms for c in (*t.expression, *t.groups)))

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


def _parse(formula: str) -> tuple[Response, tuple[ParsedTerm, ...]]:
    if not isinstance(formula, str):
        raise SpecificationError(f"the formula is {formula!r}; expected a string such as {DEFAULT_FORMULA!r}")
    try:
        require_columns(formula)
        described = model_description(balanced(formula))
        parser = Parser(Scanner(balanced(formula)).scan())
        parser.parse()
    except SpecificationError:
        raise
    # formulae raises whatever its scanner, parser and resolver run into; all of it means the same here
    except Exception as error:
        raise SpecificationError(f"formula {formula!r} cannot be read: {error}{hint(formula)}") from error
    if not parser.at_end():  # formulae would ignore it, such as "| g" without parentheses
        rest = " ".join(str(token.lexeme) for token in parser.tokens[parser.current : -1])
        raise SpecificationError(
            f"formula {formula!r} cannot be read: {rest!r} follows its end; {_CLASS}{hint(formula)}"
        )
    if described.response is None:
        raise SpecificationError(
            f"formula {formula!r} has no response; write, for example, {DEFAULT_FORMULA!r}"
        )
    response = _response(described.response.term.components[0], formula)
    terms = tuple(parse_term(term, formula) for term in described.terms)
    if not terms:
        raise SpecificationError(f"formula {formula!r} has nothing to estimate; {_CLASS}")
    used = {c.column for t in terms for c in (*t.expression, *t.groups)}
    if overlap := used & {response.successes, response.trials}:
        raise SpecificationError(f"formula {formula!r} predicts the response from itself: {sorted(overlap)}")
    require_distinct(formula, terms, {c for t in terms for c in t.expression if c.categorical})
    return response, terms


def _response(component: Any, formula: str) -> Response:
    if isinstance(component, Variable) and component.reference is None:
        return Response(component.name)
    if isinstance(component, Call) and component.call.callee in _PROPORTION:
        names = [getattr(argument, "name", None) for argument in component.call.args]
        match names:
            case [str(successes), str(trials)] if not component.call.kwargs:
                return Response(successes, trials)
    raise SpecificationError(
        f"the response of {formula!r} is neither a 0/1 column nor p(successes, trials) of two columns"
    )


def parse_term(term: Any, formula: str) -> ParsedTerm:
    """Read one of formulae's terms; refuse what is outside the class."""
    if isinstance(term, Intercept):
        return ParsedTerm("Intercept", ())
    if isinstance(term, GroupSpecificTerm):
        expression = () if isinstance(term.expr, Intercept) else term.expr.components
        return ParsedTerm(
            term.name,
            tuple(_component(c, formula) for c in expression),
            tuple(_component(c, formula) for c in term.factor.components),
        )
    return ParsedTerm(term.name, tuple(_component(c, formula) for c in term.components))


def _component(component: Any, formula: str) -> Component:
    if isinstance(component, Variable):
        if isinstance(component.name, str) and component.reference is None:
            return Component(component.name)
        raise SpecificationError(
            f"{component.name!r} in {formula!r} is a constant or selects a level; {_CLASS}"
        )
    call = component.call
    if call.callee == "C" and len(call.args) == 1 and not call.kwargs and hasattr(call.args[0], "name"):
        return Component(call.args[0].name, categorical=True)
    raise SpecificationError(
        f"{component.name!r} in {formula!r} is a function of the data and cannot be served; {_CLASS}. "
        "Add the computed column to the table instead."
    )
