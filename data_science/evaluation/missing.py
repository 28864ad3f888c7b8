"""Which column, or pair of columns, carries what a formula misses: score tests of bends and products.

A block of terms that is added to a fitted logistic regression gains about half its efficient score statistic,
in nats; no model is fitted again (Rao 1948, doi:10.1017/S0305004100023987).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from data_science.arrays import Floats
from data_science.formula.rows import Observations
from data_science.likelihood import binomial

COARSE, FINE = 5, 15  # columns of a spline that bends as a block does
_ENOUGH = 0.8  # share of what a richer block gains with which a simpler one is enough
_MOST_LEVELS = 30  # of a factor whose levels are taken apart here
_LEAST = 1e-9  # eigenvalue, relative to the largest, below which a direction adds nothing


@dataclass(frozen=True, slots=True)
class Missed:
    """What a formula misses most."""

    names: tuple[str, ...] = ()  # one column, whose line would have to bend, or two, which act together
    nats: float = 0.0  # less one for each coefficient that the block would need
    df: int = COARSE  # of a spline that has it, if it is a bend


def most_missed(rows: Observations, eta: Floats, alone: Collection[str] | None = None) -> Missed:
    """Find the bend or product that gains most; none if nothing gains.

    Parameters
    ----------
    rows : Observations
    eta : array, shape (row,)
        Linear predictor of the fit.
    alone : collection of str, optional
        Columns whose own line or levels the fit has; by default all. The others may miss just that.
    """
    p = binomial.probability(eta)
    residual = rows.successes - rows.trials * p
    root = np.sqrt(binomial.variance(rows.trials * p, p))
    lines, levels = _lines(rows), _levels(rows)
    known = [x for name, x in (*lines.items(), *levels.items()) if alone is None or name in alone]
    base = np.column_stack([np.ones(len(rows)), *known]) * root[:, None]
    axes, lengths, _ = np.linalg.svd(base, full_matrices=False)
    axes = axes[:, lengths > _LEAST * lengths[0]]

    def gain(block: Floats) -> float:
        scaled = block * root[:, None]
        own = scaled - axes @ (axes.T @ scaled)
        score = own.T @ (residual / root)
        size, direction = np.linalg.eigh(own.T @ own)
        used = size > _LEAST * max(float(np.square(scaled).sum()), 1.0)
        return 0.5 * float((np.square(direction.T @ score)[used] / size[used]).sum()) - int(used.sum())

    singles = [Missed(), *(Missed((name,), gain(block)) for name, block in levels.items())]
    for name, line in lines.items():
        coarse, fine = (Missed((name,), gain(_bent(line, df)), df) for df in (COARSE, FINE))
        singles.append(_simpler(coarse, fine))
    single = max(singles, key=_nats)
    pairs = (Missed(names, gain(block)) for names, block in _products(lines, levels))
    return _simpler(single, max(pairs, key=_nats, default=Missed()))


def _simpler(simple: Missed, other: Missed) -> Missed:
    """Choose the simpler of two if it gains nearly as much."""
    return simple if simple.nats >= _ENOUGH * other.nats else other


def _nats(missed: Missed) -> float:
    return missed.nats


def _lines(rows: Observations) -> dict[str, Floats]:
    """Numeric columns, standardised, each shape (row, 1)."""
    found = {}
    for name, values in rows.numeric.items():
        sd = values.std()
        if sd > 0:
            found[name] = ((values - values.mean()) / sd)[:, None]
    return found


def _levels(rows: Observations) -> dict[str, Floats]:
    """Give indicators of the levels of small factors, the first left out, each shape (row, level)."""
    found = {}
    for name, codes in rows.codes.items():
        n = int(codes.max(initial=-1)) + 1
        if 1 < n <= _MOST_LEVELS:
            found[name] = (codes[:, None] == np.arange(1, n)).astype(float)
    return found


def _bent(line: Floats, df: int) -> Floats:
    """Give a column's line and its bends at quantiles, about as many as a spline of so many columns has."""
    knots = np.unique(np.quantile(line, np.arange(1, df) / df))
    return np.column_stack([line, np.maximum(line - knots, 0)])


def _products(
    lines: dict[str, Floats], levels: dict[str, Floats]
) -> Iterator[tuple[tuple[str, ...], Floats]]:
    for (a, x), (b, z) in combinations((lines | levels).items(), 2):
        yield (a, b), (x[:, :, None] * z[:, None, :]).reshape(len(x), -1)
