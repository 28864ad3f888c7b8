"""How well a fit predicts rows that it has not seen, overall and by group, with intervals; no opinion on it.

Every row is predicted by leaving it out; a group is a level, or a third of a numeric column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from data_science.arrays import Floats, Ints
from data_science.evaluation.candidates import BASELINE, MODEL
from data_science.evaluation.comparison import Comparison
from data_science.evaluation.loo import standard_error
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Observations

_PARTS = 3  # of a numeric column
_MOST_LEVELS = 12  # of a column that is shown by its levels
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class GroupPerformance:
    """One group of rows: what was observed, what was predicted without the row, and the gain in log score."""

    column: str
    level: str
    n_rows: int
    observed: tuple[float, float, float]  # rate, with its 95 % interval: low, middle, high
    predicted: float | None  # None: rows of several trials, of which only the score is known
    gain: float  # nats over intercept only
    gain_se: float


@dataclass(frozen=True, slots=True)
class Performance:
    """How well rows were predicted."""

    n_rows: int
    gain: float  # nats over intercept only
    gain_se: float
    concordance: tuple[float, float, float] | None  # share of pairs in order: low, middle, high
    groups: tuple[GroupPerformance, ...]


def performance(compared: Comparison, encoding: Encoding) -> Performance | None:
    """Measure; None if it is not known at which observations the fits were compared.

    Parameters
    ----------
    compared : Comparison
        Of a fit with the intercept-only model.
    encoding : Encoding
    """
    nodes, model = compared.nodes, compared.loos[MODEL]
    if nodes is None:
        return None
    gap, weights = model.pointwise - compared.loos[BASELINE].pointwise, model.weights
    single = bool((nodes.trials == 1).all())
    seen = np.exp(np.minimum(model.pointwise, 0.0))
    p = np.where(nodes.successes == 1, seen, 1 - seen) if single else None
    groups = []
    for column, level, inside in _groups(nodes, weights, encoding):
        w = weights[inside]
        n = float(w.sum())
        groups.append(
            GroupPerformance(
                column,
                level,
                round(n),
                _rate(float(w @ nodes.successes[inside]), float(w @ nodes.trials[inside])),
                None if p is None else float(w @ p[inside] / n),
                float(w @ gap[inside]),
                standard_error(gap[inside], w, round(n)),
            )
        )
    total = compared.difference(MODEL, BASELINE)
    order = None if p is None else _concordance(nodes.successes, p, weights)
    return Performance(total.n_rows, total.elpd, total.se, order, tuple(groups))


def _groups(nodes: Observations, weights: Floats, encoding: Encoding) -> Iterator[tuple[str, str, Ints]]:
    for factor in encoding.factors:
        if len(factor.levels) <= _MOST_LEVELS:
            codes = nodes.codes[factor.column]
            for code, level in enumerate(factor.levels):
                yield from _named(factor.column, str(level), codes == code)
    for column in dict.fromkeys(name for name in encoding.numeric_columns if name in nodes.numeric):
        values = nodes.numeric[column]
        distinct = np.unique(values)
        if len(distinct) <= 2 * _PARTS:
            for value in distinct:
                yield from _named(column, f"{value:g}", values == value)
            continue
        order = np.argsort(values, kind="stable")
        share = np.cumsum(weights[order]) / weights.sum()
        cuts = [values[order][np.searchsorted(share, k / _PARTS)] for k in range(1, _PARTS)]
        part = np.searchsorted(cuts, values, side="left")
        names = [f"to {cuts[0]:.3g}", *(f"to {cut:.3g}" for cut in cuts[1:]), f"above {cuts[-1]:.3g}"]
        for k, name in enumerate(names):
            yield from _named(column, name, part == k)


def _named(column: str, level: str, inside: np.ndarray) -> Iterator[tuple[str, str, Ints]]:
    if inside.any():
        yield column, level, np.flatnonzero(inside)


def _rate(successes: float, trials: float) -> tuple[float, float, float]:
    """Rate with Jeffreys' interval, whose ends are 0 and 1 where nothing or everything was a success."""
    low, high = stats.beta.ppf([_TAIL, 1 - _TAIL], successes + 0.5, trials - successes + 0.5)
    return (float(low) if successes else 0.0, successes / trials, float(high) if successes < trials else 1.0)


def _concordance(y: Floats, p: Floats, weights: Floats) -> tuple[float, float, float]:
    """Share of pairs of a success and a failure in order, with the interval of DeLong et al. 1988."""
    _, places = np.unique(p, return_inverse=True)
    ones, zeros = np.bincount(places, weights * y), np.bincount(places, weights * (1 - y))
    n_ones, n_zeros = ones.sum(), zeros.sum()
    below = (np.cumsum(zeros) - 0.5 * zeros) / n_zeros
    above = 1 - (np.cumsum(ones) - 0.5 * ones) / n_ones
    middle = float(ones @ below / n_ones)
    variance = sum(
        float(w @ (share - middle) ** 2) / max(n - 1, 1) / n
        for w, share, n in ((ones, below, n_ones), (zeros, above, n_zeros))
    )
    half = 1.96 * float(np.sqrt(variance))
    return max(middle - half, 0.0), middle, min(middle + half, 1.0)
