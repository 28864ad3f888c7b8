"""From a specification and a validated frame to the design: all that is learned once, before the fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from data_science.arrays import Floats, Ints
from data_science.errors import FeatureError, SchemaError
from data_science.formula.coding import Coder, materialised
from data_science.formula.derived import Derived, Input
from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.formula.places import strands
from data_science.formula.priors import Prior
from data_science.formula.roles import Roles
from data_science.formula.rows import Observations
from data_science.formula.specification import ModelSpecification

_FEWEST = 64  # rows on which any basis can be computed


@dataclass(frozen=True, slots=True)
class Design:
    """Everything training must know about the columns of one specification on one data set."""

    specification: ModelSpecification
    encoding: Encoding
    priors: dict[str, Prior]  # term -> prior of its coefficients (or of its sd) per unit of the columns
    means: dict[str, float]  # numeric column, of the table or derived -> mean over rows
    sds: dict[str, float]  # numeric column -> standard deviation over rows (ddof 0, as Bambi scales)
    units: dict[str, tuple[float, ...]] = field(default_factory=dict)  # term with a basis -> its columns' sds

    def prior(self, term: Term, expression: int) -> Prior:
        """Prior of a column of a term's expression: in a basis every column has its own sd as unit."""
        if term.name not in self.units:
            return self.priors[term.name]
        return self.priors[term.name].scaled(1 / self.units[term.name][term.place_in_bases(expression)])

    @property
    def has_intercept(self) -> bool:
        """Whether the formula has an intercept, and so centred common predictors."""
        return any(term.name == "Intercept" for term in self.encoding.terms)


def learn(specification: ModelSpecification, frame: pd.DataFrame, counts: Floats | None = None) -> Design:
    """Learn levels, codings and the priors' units from a validated frame.

    Parameters
    ----------
    specification : ModelSpecification
    frame : DataFrame
        One row per observation; every column of the specification, without missing values.
    counts : array, shape (row,), optional
        Observations that each row stands for, where a function of columns has nothing to learn from them.
    """
    roles = Roles.of(specification, frame)
    factors = {column: Factor(column, levels_of(frame[column])) for column in roles.levels}
    numbers = {column: frame[column].to_numpy(np.float64) for column in roles.numbers}
    terms = materialised(specification, roles.coded, factors)
    coder = Coder(factors, numbers)
    coded = tuple(coder.term(parsed, reduced) for parsed, reduced in terms)
    offsets = tuple((o.name, coder.function(o.expression[0])[0]) for o in specification.offsets)
    derived = tuple(coder.derived.values())
    inputs = tuple(
        Input(column, float(numbers[column].min()), float(numbers[column].max()))
        for column in dict.fromkeys(c for one in derived for c in one.reads)
    )
    encoding = Encoding(coded, derived, tuple(coder.contrasts.values()), offsets, inputs)
    codes = {f.column: codes_of(frame[f.column], f) for f, _ in encoding.contrasts}
    numeric = numbers | _numeric(encoding, numbers, codes, len(frame))
    _require_spread((one for one in derived if one.name not in dict(offsets).values()), numeric)
    means = {column: float(np.average(values, weights=counts)) for column, values in numeric.items()}
    sds = {column: _sd(values, counts) for column, values in numeric.items()}
    priors = {
        term.name: specification.prior(parsed).scaled(
            1 / _unit(term.numeric, sds) if specification.standardize else 1.0
        )
        for term, (parsed, _) in zip(encoding.terms, terms, strict=True)
    }
    units = {
        term.name: tuple(_unit(_functions(term, strand.numeric, encoding), sds) for strand in strands(term))
        for term in encoding.terms
        if term.bases and specification.standardize
    }
    return Design(specification, encoding, priors, means, sds, units)


def encode(design: Design, frame: pd.DataFrame) -> Observations:
    """Encode a validated training frame; every level is known, since the design learned from it."""
    encoding, response = design.encoding, design.specification.response
    successes = frame[response.successes].to_numpy(np.float64)
    trials = np.ones(len(frame)) if response.trials is None else frame[response.trials].to_numpy(np.float64)
    codes = {f.column: codes_of(frame[f.column], f) for f in encoding.factors}
    numbers = {column: frame[column].to_numpy(np.float64) for column in encoding.number_columns}
    numeric = _numeric(encoding, numbers, codes, len(frame))
    return Observations(codes, numeric, len(frame), successes, trials)


def _numeric(
    encoding: Encoding, numbers: dict[str, Floats], codes: dict[str, Ints], n_rows: int
) -> dict[str, Floats]:
    try:
        return encoding.numeric_of(numbers, codes, n_rows)
    except FeatureError as error:
        remedy = "Correct the values at the source, or leave these rows out there"
        raise SchemaError(f"invalid data:\n- {error}. {remedy}") from error


def _require_spread(derived: Iterable[Derived], numeric: dict[str, Floats]) -> None:
    for function in derived:
        for column in function.columns:
            if column in numeric and np.ptp(numeric[column]) == 0:
                raise SchemaError(
                    f"invalid data:\n- {column} is {float(numeric[column][0])!r} in every row; expected at "
                    "least two values. It has no effect to estimate: drop it, or ask for fewer df"
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
    whole = {
        c.factor.column
        for t in design.encoding.terms
        for c in t.codings
        if isinstance(c, Coding) and c.reference
    }
    whole |= {factor.column for factor, _ in design.encoding.contrasts}  # contrasts name levels
    short = {
        f.column: f if f.column in whole else Factor(f.column, f.levels[:n_levels])
        for f in design.encoding.factors
    }
    terms = tuple(
        replace(
            term,
            codings=tuple(
                replace(c, factor=short[c.factor.column]) if isinstance(c, Coding) else c
                for c in term.codings
            ),
            groups=tuple(short[g.column] for g in term.groups),
        )
        for term in design.encoding.terms
    )
    return replace(design, encoding=replace(design.encoding, terms=terms))


def sample_frame(design: Design) -> pd.DataFrame:
    """Frame with every level and, in each numeric column, the data's mean and sd; no row of the data.

    Bambi builds from it the same terms, names, levels and coordinates as from the data.
    """
    factors, numeric = design.encoding.factors, design.encoding.number_columns
    ranges = {one.column: one for one in design.encoding.inputs}
    n_rows = max(_FEWEST if ranges else 4, *(len(f.levels) for f in factors), 0)
    rng = np.random.default_rng(0)  # irregular, so that no product of columns is constant
    columns: dict[str, Any] = {}
    for factor in factors:
        values = [factor.levels[i % len(factor.levels)] for i in range(n_rows)]
        levels = pd.Categorical(values, categories=factor.levels, ordered=True)
        # a category, so that whole numbers that are levels are no slope; but C(x) beside x must stay numeric
        columns[factor.column] = values if factor.column in numeric else levels
    for column in numeric:
        if column in columns:  # C(x) beside x: the levels serve both
            continue
        if column in ranges:  # functions are defined there
            columns[column] = rng.uniform(ranges[column].low, ranges[column].high, n_rows)
            continue
        pattern = rng.normal(size=n_rows)
        pattern = (pattern - pattern.mean()) / pattern.std()
        columns[column] = design.means[column] + design.sds[column] * pattern
    return pd.DataFrame(columns | design.specification.response.example(n_rows))


def _sd(values: Floats, counts: Floats | None) -> float:
    if counts is None:
        return float(values.std())
    return float(np.sqrt(np.average((values - np.average(values, weights=counts)) ** 2, weights=counts)))


def _unit(columns: tuple[str, ...], sds: dict[str, float]) -> float:
    """Product of the sds of numeric columns: the step of one sd in each."""
    return float(np.prod([sds[column] for column in columns]))


def _functions(term: Term, columns: tuple[str, ...], encoding: Encoding) -> tuple[str, ...]:
    """Which of the columns of bases are functions' and not contrasts', whose unit is the level."""
    contrasts = {column for _, one in encoding.contrasts for column in one.columns}
    return tuple(c for c in columns[len(term.numeric) :] if c not in contrasts)
