"""From a specification and a validated frame to the design: levels, codings and priors learned once.

As in Bambi, formulae decides which factors are coded in full and which against a reference; it depends
on the kinds of the columns only, so it is asked on a tiny frame instead of the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from formulae import design_matrices

from data_science.arrays import Ints
from data_science.errors import SpecificationError
from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.formula.priors import Prior
from data_science.formula.reading import balanced
from data_science.formula.roles import Roles
from data_science.formula.rows import Observations
from data_science.formula.specification import Component, ModelSpecification, ParsedTerm, parse_term


@dataclass(frozen=True, slots=True)
class Design:
    """Everything training must know about the columns of one specification on one data set."""

    specification: ModelSpecification
    encoding: Encoding
    priors: dict[str, Prior]  # term -> prior of its coefficients (or of its sd) per unit of the raw columns
    means: dict[str, float]  # numeric column -> mean over rows
    sds: dict[str, float]  # numeric column -> standard deviation over rows (ddof 0, as Bambi scales)

    @property
    def has_intercept(self) -> bool:
        """Whether the formula has an intercept, and so centred common predictors."""
        return any(term.name == "Intercept" for term in self.encoding.terms)


def learn(specification: ModelSpecification, frame: pd.DataFrame) -> Design:
    """Learn levels, codings and the priors' units from a validated frame.

    Parameters
    ----------
    specification : ModelSpecification
    frame : DataFrame
        One row per observation; every column of the specification, without missing values.
    """
    roles = Roles.of(specification, frame)
    factors = {column: Factor(column, levels_of(frame[column])) for column in roles.levels}
    materialised = _materialised(specification, roles.coded)
    encoding = Encoding(tuple(_term(parsed, factors, reduced) for parsed, reduced in materialised))
    numeric = {column: frame[column].to_numpy(np.float64) for column in encoding.numeric_columns}
    sds = {column: float(values.std()) for column, values in numeric.items()}
    means = {column: float(values.mean()) for column, values in numeric.items()}
    priors = {
        term.name: specification.prior(parsed).scaled(
            1 / _unit(term, sds) if specification.standardize else 1.0
        )
        for term, (parsed, _) in zip(encoding.terms, materialised, strict=True)
    }
    return Design(specification, encoding, priors, means, sds)


def encode(design: Design, frame: pd.DataFrame) -> Observations:
    """Encode a validated training frame; every level is known, since the design learned from it."""
    response = design.specification.response
    successes = frame[response.successes].to_numpy(np.float64)
    trials = np.ones(len(frame)) if response.trials is None else frame[response.trials].to_numpy(np.float64)
    return Observations(
        {f.column: codes_of(frame[f.column], f) for f in design.encoding.factors},
        {column: frame[column].to_numpy(np.float64) for column in design.encoding.numeric_columns},
        len(frame),
        successes,
        trials,
    )


def levels_of(values: pd.Series[Any]) -> tuple[Any, ...]:
    """Levels in Bambi's order: the categories of an ordered categorical, else the sorted distinct values."""
    if isinstance(values.dtype, pd.CategoricalDtype) and values.dtype.ordered:
        return tuple(values.cat.categories.tolist())
    return tuple(sorted(pd.unique(values).tolist()))


def codes_of(values: pd.Series[Any], factor: Factor) -> Ints:
    """Code of each value's level, ``len(levels)`` for an unseen one."""
    codes = pd.Index(list(factor.levels)).get_indexer(pd.Index(values))
    return np.where(codes < 0, len(factor.levels), codes)


def blocks(encoding: Encoding) -> Iterator[tuple[Term, int]]:
    """Each standard deviation of the model: a group-specific term and the column of its expression."""
    for term in encoding.group_specific:
        for expression in range(term.n_expressions):
            yield term, expression


def abridged(design: Design, n_levels: int = 3) -> Design:
    """Keep the first few levels of every factor: the same terms and priors, however many groups there are."""
    short = {f.column: Factor(f.column, f.levels[:n_levels]) for f in design.encoding.factors}
    terms = tuple(
        replace(
            term,
            codings=tuple(replace(c, factor=short[c.factor.column]) for c in term.codings),
            groups=tuple(short[g.column] for g in term.groups),
        )
        for term in design.encoding.terms
    )
    return replace(design, encoding=Encoding(terms))


def sample_frame(design: Design) -> pd.DataFrame:
    """Frame with every level and, in each numeric column, the data's mean and sd; no row of the data.

    Bambi builds from it the same terms, names, levels and coordinates as from the data.
    """
    factors = design.encoding.factors
    n_rows = max(4, *(len(f.levels) for f in factors)) if factors else 4
    rng = np.random.default_rng(0)  # irregular, so that no product of columns is constant
    columns: dict[str, Any] = {}
    numeric = design.encoding.numeric_columns
    for factor in factors:
        values = [factor.levels[i % len(factor.levels)] for i in range(n_rows)]
        levels = pd.Categorical(values, categories=factor.levels, ordered=True)
        # a category, so that whole numbers that are levels are no slope; but C(x) beside x must stay numeric
        columns[factor.column] = values if factor.column in numeric else levels
    for column in numeric:
        if column not in columns:  # C(x) beside x: the levels serve both
            pattern = rng.normal(size=n_rows)
            pattern = (pattern - pattern.mean()) / pattern.std()
            columns[column] = design.means[column] + design.sds[column] * pattern
    response = design.specification.response
    columns[response.successes] = np.arange(n_rows) % 2
    if response.trials is not None:
        columns[response.trials] = 1
    return pd.DataFrame(columns)


def _unit(term: Term, sds: dict[str, float]) -> float:
    """Product of the sds of the term's numeric columns: the step of one sd in each."""
    return float(np.prod([sds[column] for column in term.numeric]))


def _materialised(
    specification: ModelSpecification, coded: frozenset[Component]
) -> list[tuple[ParsedTerm, dict[Component, bool]]]:
    """Terms of the design, and which of their categorical components are coded against a reference level.

    Formulae may add a term that the formula does not name, such as ``b`` for ``a:b`` without its margins.
    """
    n_rows = 8
    columns: dict[str, Any] = {specification.response.successes: np.arange(n_rows) % 2}
    if specification.response.trials is not None:
        columns[specification.response.trials] = 1
    plainly_categorical = {c.column for c in coded if not c.categorical}
    for k, column in enumerate(specification.columns):
        pattern = np.arange(n_rows) // 2 ** (k % 3) % 2
        columns[column] = np.array(["a", "b"])[pattern] if column in plainly_categorical else pattern
    try:
        matrices = design_matrices(balanced(specification.formula), pd.DataFrame(columns))
    # It raises whatever it runs into, such as TypeError for g:C(n) without C(n).
    except Exception as error:
        raise SpecificationError(
            f"formulae, and so Bambi, cannot code {specification.formula!r} ({error}): write the margins of "
            "its interactions out, as in g * C(n), or make the columns of C() text"
        ) from error
    parts = (part.terms.values() for part in (matrices.common, matrices.group) if part is not None)
    return [_coded(term, specification.formula) for terms in parts for term in terms]


def _coded(term: Any, formula: str) -> tuple[ParsedTerm, dict[Component, bool]]:
    parsed = parse_term(term, formula)
    components = getattr(getattr(term, "expr", term), "components", ())
    return parsed, {
        stated: not component.spans_intercept
        for stated, component in zip(parsed.expression, components, strict=True)
        if component.kind == "categoric"
    }


def _term(parsed: ParsedTerm, factors: dict[str, Factor], reduced: dict[Component, bool]) -> Term:
    return Term(
        parsed.name,
        tuple(c.column for c in parsed.expression if c not in reduced),
        tuple(Coding(factors[c.column], reduced[c]) for c in parsed.expression if c in reduced),
        tuple(factors[c.column] for c in parsed.groups),
    )
