"""How well a fit predicts rows that it has not seen, overall and by group, with intervals; no opinion on it.

Every row is predicted by leaving it out; a group is a level, or a third of a numeric column. Rows of a column
that were merged into nodes are predicted by the fit to all of them, less what that flatters it on average.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from data_science.arrays import Floats, Ints
from data_science.evaluation.blind import blind_predictor
from data_science.evaluation.candidates import BASELINE, MODEL
from data_science.evaluation.comparison import Comparison
from data_science.evaluation.form import fitted_line, left_out
from data_science.evaluation.loo import standard_error
from data_science.evaluation.written_names import of_whole_columns
from data_science.fitting.posterior_on import Fitted
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Observations
from data_science.likelihood import binomial

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
    gain_se: float  # NaN: of one row


@dataclass(frozen=True, slots=True)
class Performance:
    """How well rows were predicted."""

    n_rows: int
    gain: float  # nats over intercept only
    gain_se: float
    brier: tuple[float, float, float] | None  # mean squared error, its saving over intercept only, and SE
    groups: tuple[GroupPerformance, ...]
    merged: str | None = None  # column among the groups whose rows were not left out one by one


def performance(compared: Comparison, encoding: Encoding, fitted: Fitted | None = None) -> Performance | None:
    """Measure; None if it is not known at which observations the fits were compared.

    Parameters
    ----------
    compared : Comparison
        Of a fit with the intercept-only model.
    encoding : Encoding
    fitted : Fitted, optional
        The fit with its rows, of which a column that was merged into nodes has its groups.
    """
    nodes, model = compared.nodes, compared.loos[MODEL]
    if nodes is None:
        return None
    gap, weights = model.pointwise - compared.loos[BASELINE].pointwise, model.weights
    single = bool((nodes.trials == 1).all())
    p = _probability(nodes, model.pointwise) if single else None
    groups = []
    for column, level, inside in _groups(nodes, weights, encoding, compared.continuous):
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
                standard_error(gap[inside], w, round(n)) if round(n) > 1 else np.nan,
            )
        )
    total = compared.difference(MODEL, BASELINE)
    squares = None
    if p is not None:
        blind = _probability(nodes, compared.loos[BASELINE].pointwise)
        squares = _brier(nodes.successes, p, blind, weights, total.n_rows)
    merged = None if fitted is None else _of_merged(compared, fitted)
    groups += merged or []
    name = compared.continuous if merged else None
    return Performance(total.n_rows, total.elpd, total.se, squares, tuple(groups), name)


def _of_merged(compared: Comparison, fitted: Fitted) -> list[GroupPerformance]:
    """Measure thirds of the column whose rows were merged, on the rows themselves."""
    rows, encoding, column = fitted.problem.sample, fitted.design.encoding, compared.continuous
    if column is None or column not in of_whole_columns(rows.numeric, encoding):
        return []
    if len(rows) < fitted.problem.rows.n_observations:  # most of them stay in their engine
        return []
    eta = fitted_line(fitted, rows)
    alone = blind_predictor(rows, encoding.offset(rows.numeric, len(rows)))
    gap = left_out(rows, eta, compared.loos[MODEL]) - left_out(rows, alone, compared.loos[BASELINE])
    p, single = binomial.probability(eta), bool((rows.trials == 1).all())
    found = []
    for _, level, inside in _parts(column, rows.numeric[column], np.ones(len(rows))):
        n = len(inside)
        found.append(
            GroupPerformance(
                column,
                level,
                n,
                _rate(float(rows.successes[inside].sum()), float(rows.trials[inside].sum())),
                float(p[inside].mean()) if single else None,
                float(gap[inside].sum()),
                standard_error(gap[inside], np.ones(n), n) if n > 1 else np.nan,
            )
        )
    return found


def _groups(
    nodes: Observations, weights: Floats, encoding: Encoding, continuous: str | None
) -> Iterator[tuple[str, str, Ints]]:
    for factor in encoding.factors:
        if len(factor.levels) <= _MOST_LEVELS:
            codes = nodes.codes[factor.column]
            for code, level in enumerate(factor.levels):
                yield from _named(factor.column, str(level), codes == code)
    numeric = {name: nodes.numeric[name] for name in encoding.numeric_columns if name in nodes.numeric}
    for column, values in of_whole_columns(numeric, encoding).items():
        if column == continuous:  # its nodes lie where no row does: `_of_merged` takes the rows
            continue
        yield from _parts(column, values, weights)


def _parts(column: str, values: Floats, weights: Floats) -> Iterator[tuple[str, str, Ints]]:
    """Take a numeric column apart, by its values or into thirds of the rows."""
    distinct = np.unique(values)
    if len(distinct) <= 2 * _PARTS:
        for value, level in zip(distinct, _written(distinct), strict=True):
            yield from _named(column, level, values == value)
        return
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    cuts = [values[order][np.searchsorted(share, k / _PARTS)] for k in range(1, _PARTS)]
    part = np.searchsorted(cuts, values, side="left")
    *written, _ = _written(np.array([distinct[0], *cuts, distinct[-1]]))
    names = [*(f"to {cut}" for cut in written[1:]), f"above {written[-1]}"]
    for k, name in enumerate(names):
        yield from _named(column, name, part == k)


def _written(values: Floats) -> list[str]:
    """Write numbers with six digits, or as many as tell them apart."""
    n = len(np.unique(values))
    written = ([f"{value:.{digits}g}" for value in values] for digits in range(6, 18))
    return next(names for names in written if len({*names}) == n)


def _named(column: str, level: str, inside: np.ndarray) -> Iterator[tuple[str, str, Ints]]:
    if inside.any():
        yield column, level, np.flatnonzero(inside)


def _rate(successes: float, trials: float) -> tuple[float, float, float]:
    """Rate with Jeffreys' interval, whose ends are 0 and 1 where nothing or everything was a success."""
    low, high = stats.beta.ppf([_TAIL, 1 - _TAIL], successes + 0.5, trials - successes + 0.5)
    return (float(low) if successes else 0.0, successes / trials, float(high) if successes < trials else 1.0)


def _probability(nodes: Observations, pointwise: Floats) -> Floats:
    """Probability of a success that each row is given by the fit without it."""
    of_own = np.exp(np.minimum(pointwise, 0.0))
    return np.where(nodes.successes == 1, of_own, 1 - of_own)


def _brier(y: Floats, p: Floats, blind: Floats, weights: Floats, n_rows: int) -> tuple[float, float, float]:
    """Mean squared error, what it saves over the blind probability, and the standard error of that.

    No share of pairs in order is given: a fit without a row leans away from that row's response, so that a
    model that knows nothing would seem to rank rows wrongly.
    """
    own, saved = (y - p) ** 2, (y - blind) ** 2 - (y - p) ** 2
    return (
        float(weights @ own / n_rows),
        float(weights @ saved / n_rows),
        standard_error(saved, weights, n_rows) / n_rows,
    )
