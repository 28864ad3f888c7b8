"""The effects of a fit as one family: which are there beyond chance, and what their intervals rule out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np

from data_science.arrays import Floats
from data_science.engines.posterior import names
from data_science.evaluation.evidence import EffectsEvidence
from data_science.evaluation.written_names import sources
from data_science.fitting.posterior_on import Fitted
from data_science.formula.encoding import Coding, Encoding, Term
from data_science.formula.places import strands
from data_science.formula.rows import Observations, product_of
from data_science.limits import FAMILY_ERROR

_DRAWS = 2_000
_BLOCK = 200_000  # draws of groups looked at at once
_ROWS, _NEARLY = 2_000, 1e-6  # rows that show whether a term can be constant, up to this


def effects_evidence(fitted: Fitted, n_candidates: int = 1) -> EffectsEvidence:
    """Measure slopes of the average row, and levels around it, at once (Bonferroni).

    What levels have in common is known only together with the intercept.
    """
    encoding, rows = fitted.design.encoding, fitted.problem.rows
    named = names(fitted.design)
    draws, _ = fitted.posterior.thinned(_DRAWS)
    behind = sources(encoding)
    uses = Counter(
        name
        for term in encoding.terms
        for name in {source for column in term.columns for source in behind.get(column, (column,))}
    )
    z: dict[str, float] = {}
    excluded = {}
    for term in encoding.terms:
        own = draws[:, encoding.slices[term.name]]
        if not term.columns:
            continue
        if term.is_group_specific:
            ratio = _distances(own.reshape(len(own), term.n_expressions, -1), _shares_of_groups(term, rows))
            z |= dict(zip(named[encoding.slices[term.name]], ratio.ravel().tolist(), strict=True))
            continue
        if not term.numeric:  # such a term may hold the intercept, as levels and splines can
            constant, average = _constant_and_average(term, rows)
            of_average = own @ average
            own = own - np.outer(of_average, constant)
            if reference := _reference(term):
                z |= {f"{term.name}[{reference}]": float(_distance(-of_average[:, None])[0])}
        elif term.numeric == term.columns and len(term.numeric) == 1:
            own = _slope_of_average_row(term, encoding, rows, draws)
            if _is_whole(term, behind, uses):
                sd = fitted.design.sds[term.numeric[0]]
                low, high = np.exp(sd * np.quantile(own[:, 0], [0.025, 0.975]))
                excluded[term.numeric[0]] = (float(low), float(high))
        z |= dict(zip(named[encoding.slices[term.name]], _distance(own).tolist(), strict=True))
    limit = NormalDist().inv_cdf(1 - FAMILY_ERROR / (2 * n_candidates * max(len(z), 1)))
    clear = sorted((name for name in z if z[name] > limit), key=lambda name: -z[name])
    return EffectsEvidence(len(z), tuple(clear), excluded)


def _reference(term: Term) -> str:
    """Name the level of a factor that has no coefficient; it is as far from the average as any other."""
    coding = term.codings[0]
    if len(term.codings) > 1 or not isinstance(coding, Coding) or not coding.reduced:
        return ""
    return str(coding.factor.levels[coding.reference])


def _slope_of_average_row(term: Term, encoding: Encoding, rows: Observations, draws: Floats) -> Floats:
    """Slope of a column where what multiplies it elsewhere is at its average, shape (draw, 1)."""
    (column,) = term.numeric
    found: Floats = draws[:, encoding.slices[term.name]].astype(float)
    for other in encoding.terms:
        if other is term or other.codings or other.numeric.count(column) != 1:
            continue
        rest = tuple(name for name in other.numeric if name != column)
        at = float(np.average(product_of(rest, rows.numeric, len(rows)), weights=rows.counts))
        shares = _shares_of_groups(other, rows) if other.is_group_specific else np.ones(1)
        found = found + at * (draws[:, encoding.slices[other.name]] @ shares)[:, None]
    return found


def _is_whole(term: Term, behind: Mapping[str, tuple[str, ...]], uses: Counter[str]) -> bool:
    """Whether a slope is all that its column does; beside products and squares it is that at their zero."""
    return all(uses[name] == 1 for column in term.columns for name in behind.get(column, (column,)))


def _distance(draws: Floats) -> Floats:
    """Distance of every column from zero, in its own sds."""
    spread = draws.std(axis=0)
    return np.divide(np.abs(draws.mean(axis=0)), spread, out=np.zeros(len(spread)), where=spread > 0)


def _distances(draws: Floats, shares: Floats) -> Floats:
    """Distance of every group from the average row, shape (expression, group)."""
    average = draws @ shares.astype(draws.dtype)
    step, n = max(1, _BLOCK // len(draws)), draws.shape[2]
    found = np.empty(draws.shape[1:])
    for k in range(draws.shape[1]):
        for some in (slice(start, start + step) for start in range(0, n, step)):
            found[k, some] = _distance(draws[:, k, some].astype(float) - average[:, k, None])
    return found


def _shares_of_groups(term: Term, rows: Observations) -> Floats:
    """Share of the rows in each group of a term, shape (group,)."""
    shape = tuple(len(factor.levels) for factor in term.groups)
    place = np.ravel_multi_index([rows.codes[factor.column] for factor in term.groups], shape)
    return np.asarray(np.bincount(place, rows.counts, term.n_groups) / rows.n_observations)


def _constant_and_average(term: Term, rows: Observations) -> tuple[Floats, Floats]:
    """Coefficients that a common term gives every row alike, 0 if there are none, and its average row.

    Levels are looked at around the average row whichever of them is the reference.
    """
    average = np.zeros(term.n_coefficients + 1)  # the reference has none
    for strand in strands(term):
        place = strand.places.rows(rows.codes, len(rows))
        values = rows.counts * strand.multipliers(rows.numeric, len(rows))
        average += np.bincount(place, values, len(average)) / rows.n_observations
    if not term.bases:
        return np.ones(term.n_coefficients), average[:-1]
    some = rows.thinned(_ROWS)
    matrix = np.zeros((len(some), len(average)))
    for strand in strands(term):
        place = strand.places.rows(some.codes, len(some))
        matrix[np.arange(len(some)), place] += strand.multipliers(some.numeric, len(some))
    constant = np.linalg.lstsq(matrix[:, :-1], np.ones(len(some)))[0]
    is_there = np.allclose(matrix[:, :-1] @ constant, 1, rtol=0, atol=_NEARLY)
    return constant * is_there, average[:-1]
