"""What is said of columns that a formula's functions make, in the words of the formula and of the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from data_science.engines.posterior import names
from data_science.evaluation.evidence import EffectsEvidence
from data_science.formula.design import Design
from data_science.formula.encoding import Encoding


def as_written(effects: EffectsEvidence, design: Design) -> EffectsEvidence:
    """Name effects as the formula writes their terms: "bs(x, df=4)", once, for all of its columns."""
    named, made = names(design), _of_many(design.encoding)
    of_term = {
        name: term.name
        for term in design.encoding.terms
        if any(made.issuperset(basis.columns) for basis in term.bases)
        for name in named[design.encoding.slices[term.name]]
    }
    return replace(effects, clear=tuple(dict.fromkeys(of_term.get(name, name) for name in effects.clear)))


def of_whole_columns[T](by_column: Mapping[str, T], encoding: Encoding) -> dict[str, T]:
    """Leave out single columns of a function that makes several: one piece of a spline is no effect."""
    parts = _of_many(encoding) | {name for _, one in encoding.contrasts for name in one.columns}
    return {name: value for name, value in by_column.items() if name not in parts}


def of_table(encoding: Encoding, names: Iterable[str]) -> tuple[str, ...]:
    """Name the table's columns behind columns of rows; an offset stays an offset."""
    behind = {made: one.reads for one in encoding.derived for made in one.columns}
    behind |= {made: (one.column,) for _, one in encoding.contrasts for made in one.columns}
    of_terms = {column for term in encoding.terms for column in term.columns}
    behind |= {made: (name,) for name, made in encoding.offsets if made not in of_terms}
    return tuple(dict.fromkeys(column for name in names for column in behind.get(name, (name,))))


def sources(encoding: Encoding) -> dict[str, tuple[str, ...]]:
    """Columns of the table behind each numeric column of rows."""
    return {name: of_table(encoding, (name,)) for name in encoding.numeric_columns}


def _of_many(encoding: Encoding) -> frozenset[str]:
    """Columns that are one of several which a function makes."""
    return frozenset(made for one in encoding.derived if len(one.columns) > 1 for made in one.columns)
