"""Quantiles of P(label = 1) over the draws, for one row or for millions; changes with how they are computed.

All ways give the same numbers, those of `numpy.quantile`. Equal rows are computed once. Rows that differ in
one numeric column only share the order statistics of their draws along it (`order_statistics`); the draws of
other rows are sorted row by row.
"""

from __future__ import annotations

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.formula.rows import Rows
from data_science.likelihood.binomial import probability
from data_science.prediction.draws import Draws
from data_science.prediction.order_statistics import walk

WORTH_WALKING = 64  # rows per group from which walking is cheaper than sorting each row
MOST_LINES = 2**22  # (group, draw) entries that a walk may hold
KEY_BITS = 62  # of a sorting key: the place's, the value's, the index's
VALUE_BITS = (34, 44)  # with fewer too many values share a key; with more rounding could carry into the place
SAMPLE = 1_000  # rows looked at to find the column that varies most

Ranks = list[tuple[int, float]]  # the order statistic below a quantile, and the weight of the one above


def row_quantiles(draws: Draws, rows: Rows, probabilities: tuple[float, ...]) -> Floats:
    """Return quantiles over the draws of every row, shape (row, quantile)."""
    n_draws = len(draws.coefficients)
    ranks = [_rank(level, n_draws) for level in probabilities]
    column = _running_column(draws, rows)
    if column is not None:
        rest = rows.without(column)
        first, places = rest.distinct()
        if len(rows) >= WORTH_WALKING * len(first) and len(first) * n_draws <= MOST_LINES:
            return _walked(draws, rest.take(first), places, column, rows, ranks)
    if len(rows) == 1:
        return _sorted(draws, rows, ranks)
    first, places = rows.distinct()
    return _sorted(draws, rows.take(first), ranks)[places]


def _sorted(draws: Draws, rows: Rows, ranks: Ranks) -> Floats:
    """Sort every row's draws, as far as needed."""
    last = len(draws.coefficients) - 1
    needed = sorted({min(rank + step, last) for rank, _ in ranks for step in (0, 1)})
    found = np.empty((len(rows), len(ranks)))
    for part in draws.blocks(len(rows)):
        # The order is found on the logits: only the order statistics pass through the inverse logit.
        ordered = np.partition(draws.logits(rows.take(part)), needed, axis=1)
        for place, (rank, weight) in enumerate(ranks):
            found[part, place] = _between(ordered[:, rank], ordered[:, min(rank + 1, last)], weight)
    return found


def _walked(draws: Draws, groups: Rows, places: Ints, column: str, rows: Rows, ranks: Ranks) -> Floats:
    """Walk the needed order statistics of each group along the column, then look every row up."""
    x = rows.numeric[column]
    last = len(draws.coefficients) - 1
    lines = draws.lines(groups, column)
    needed = sorted({min(rank + step, last) for rank, _ in ranks for step in (0, 1)})
    chains = walk(*lines, needed, float(x.min()), float(x.max()))

    order = _order(places, len(groups), x)
    ascending = x[order]
    ends = np.cumsum(np.bincount(places, minlength=len(groups))).tolist()
    found = np.empty((len(rows), len(ranks)))
    for group, (first, end) in enumerate(zip([0, *ends], ends, strict=False)):
        part = slice(first, end)
        walked = {rank: chain for rank, chain in chains[group].items() if chain is not None}
        values = {rank: chain.at_sorted(ascending[part]) for rank, chain in walked.items()}
        if len(values) < len(needed):
            found[part] = _sorted(draws, rows.take(order[part]), ranks)
            continue
        for place, (rank, weight) in enumerate(ranks):
            found[part, place] = _between(values[rank], values[min(rank + 1, last)], weight)
    went_to = np.empty_like(order)
    went_to[order] = np.arange(len(rows))
    return found.take(went_to, axis=0)  # gathering rows is faster than scattering them


def _order(places: Ints, n_places: int, x: Floats) -> Ints:
    """Return the order by place, then by x."""
    low, high = float(x.min()), float(x.max())
    index_bits, place_bits = len(x).bit_length(), n_places.bit_length()
    value_bits = min(KEY_BITS - index_bits - place_bits, VALUE_BITS[1])
    scale = (2.0**value_bits - 1.0) / (high - low) if high > low else np.inf
    if value_bits < VALUE_BITS[0] or not 0.0 < scale < np.inf:
        order: Ints = np.lexsort((x, places))
        return order
    # Integers sort several times faster than an argsort, so each carries its index.
    keys = ((x - low) * scale).astype(np.int64)
    keys |= places << value_bits
    keys <<= index_bits
    keys |= np.arange(len(x))
    keys.sort()
    keys &= 2**index_bits - 1
    return _mended(keys, places, x)


def _mended(order: Ints, places: Ints, x: Floats) -> Ints:
    """Sort anew, in place, where x falls within a place: near values share a key, beside an outlier all."""
    ascending = x[order]
    falls = np.flatnonzero(ascending[1:] < ascending[:-1])  # few, but for the first value of each place
    falls = falls[places[order[falls]] == places[order[falls + 1]]]
    ends = np.cumsum(np.bincount(places))
    for place in np.unique(places[order[falls]]).tolist():
        part = slice(ends[place - 1] if place else 0, ends[place])
        order[part] = order[part][np.argsort(ascending[part], kind="stable")]  # fast where almost sorted
    return order


def _running_column(draws: Draws, rows: Rows) -> str | None:
    """Return the numeric column that varies most, if many rows can share what is computed along it."""
    if len(rows) < 2 * WORTH_WALKING:
        return None
    step = max(1, len(rows) // SAMPLE)
    varied = {column: len(np.unique(values[::step])) for column, values in rows.numeric.items()}
    column = max(varied, key=varied.__getitem__, default=None)
    linear = all(t.numeric.count(column) < 2 for t in draws.tables.terms if column is not None)
    return column if column is not None and varied[column] > 1 and linear else None


def _rank(level: float, n_draws: int) -> tuple[int, float]:
    position = level * (n_draws - 1)
    return int(position), position - int(position)


def _between(below: Floats, above: Floats, weight: float) -> Floats:
    """Interpolate on the probability scale between two order statistics of the logit."""
    low = probability(below)
    high = probability(above)
    high -= low
    high *= weight
    high += low
    return high
