"""Which column, or pair of columns, carries what a formula misses: score tests of bends and products.

A block of terms that is added to a fitted logistic regression gains about half its efficient score statistic,
in nats; no model is fitted again (Rao 1948, doi:10.1017/S0305004100023987).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

import numpy as np

from data_science.arrays import Floats
from data_science.formula.rows import Observations
from data_science.likelihood import binomial

_KNOTS = (0.2, 0.4, 0.6, 0.8)  # quantiles at which a column's line may bend
_MOST_LEVELS = 30  # of a factor whose levels are taken apart here
_LEAST = 1e-9  # eigenvalue, relative to the largest, below which a direction adds nothing


def most_missed(
    rows: Observations, eta: Floats, alone: Collection[str] | None = None
) -> tuple[tuple[str, ...], float]:
    """Find the bend or product that gains most.

    Parameters
    ----------
    rows : Observations
    eta : array, shape (row,)
        Linear predictor of the fit.
    alone : collection of str, optional
        Columns whose own line or levels the fit has; by default all. The others may miss just that.

    Returns
    -------
    tuple of str
        One column, whose line would have to bend, or two, which act together; none if nothing gains.
    float
        Nats, less one for each coefficient that the block would need.
    """
    p = binomial.probability(eta)
    residual = rows.successes - rows.trials * p
    root = np.sqrt(binomial.variance(rows.trials * p, p))
    lines, levels = _lines(rows), _levels(rows)
    known = [x for name, x in (*lines.items(), *levels.items()) if alone is None or name in alone]
    base = np.column_stack([np.ones(len(rows)), *known]) * root[:, None]
    axes, lengths, _ = np.linalg.svd(base, full_matrices=False)
    axes = axes[:, lengths > _LEAST * lengths[0]]
    best: tuple[tuple[str, ...], float] = ((), 0.0)
    for names, block in _blocks(rows, lines, levels):
        scaled = block * root[:, None]
        own = scaled - axes @ (axes.T @ scaled)
        score = own.T @ (residual / root)
        size, direction = np.linalg.eigh(own.T @ own)
        used = size > _LEAST * max(float(np.square(scaled).sum()), 1.0)
        gain = 0.5 * float((np.square(direction.T @ score)[used] / size[used]).sum()) - int(used.sum())
        if gain > best[1]:
            best = (names, gain)
    return best


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


def _blocks(
    rows: Observations, lines: dict[str, Floats], levels: dict[str, Floats]
) -> Iterator[tuple[tuple[str, ...], Floats]]:
    for name, line in lines.items():
        knots = np.unique(np.quantile(line, _KNOTS))
        yield (name,), np.column_stack([line, np.maximum(line - knots, 0)])
    for name, level in levels.items():
        yield (name,), level
    for (a, x), (b, z) in combinations((lines | levels).items(), 2):
        yield (a, b), (x[:, :, None] * z[:, None, :]).reshape(len(rows), -1)
