"""Order statistics of draws along one number, exactly; changes when intervals of many rows must be faster.

For rows that differ in one numeric column only, every draw's logit is a straight line in that column, so the
k-th smallest of them is a chain of pieces of lines (the k-level of an arrangement of lines; Edelsbrunner &
Welzl 1986, doi:10.1137/0215019). It is walked once for each group of rows, then every row is a look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data_science.arrays import Floats, Ints

TOLERANCE = 1e-12  # of ties, relative to the values, absolute below 1
STRETCHES = 4  # of x, on each of which lines are told to be too low or too high


@dataclass(frozen=True, slots=True)
class Chain:
    """The k-th smallest of straight lines as a function of x: piece i holds from knot i-1 to knot i."""

    knots: Floats  # shape (piece - 1,), ascending
    intercepts: Floats  # shape (piece,)
    slopes: Floats  # shape (piece,)

    def at_sorted(self, x: Floats) -> Floats:
        """Return the order statistic at each of ascending x."""
        lengths = np.diff(np.searchsorted(x, self.knots), prepend=0, append=len(x))
        found = np.repeat(self.slopes, lengths)
        found *= x
        found += np.repeat(self.intercepts, lengths)
        return found


def walk(
    intercepts: Floats, slopes: Floats, ranks: Sequence[int], low: float, high: float
) -> list[dict[int, Chain | None]]:
    """Return the order statistics of each group's lines between ``low`` and ``high``.

    Parameters
    ----------
    intercepts, slopes : array, shape (group, line)
    ranks : sequence of int
        Which order statistics, counted from the smallest, from 0.

    Returns
    -------
    list of dict from rank to Chain or None, one per group
        None where several lines cross in one point and the walk took a wrong turn: between its knots no
        line crosses a piece, so the rank in the middle of every piece shows it.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the values: they are refused
        return _walk(intercepts, slopes, ranks, low, high)


def _walk(
    intercepts: Floats, slopes: Floats, ranks: Sequence[int], low: float, high: float
) -> list[dict[int, Chain | None]]:
    kept = _contenders(intercepts, slopes, ranks, np.linspace(low, high, STRETCHES + 1))
    n_groups, n_ranks, n_kept = kept.shape
    a = np.take_along_axis(intercepts[:, None], kept, axis=2).reshape(-1, n_kept)
    b = np.take_along_axis(slopes[:, None], kept, axis=2).reshape(-1, n_kept)
    at_low = intercepts + slopes * low
    start = _select(at_low, ranks)
    n_below = (at_low[:, None] < start[..., None]).sum(axis=2).ravel()
    start = start.ravel()
    n_below -= (a + b * low < start[:, None]).sum(axis=1)  # left out, and below all the way
    found: list[Chain | None] = []
    for walker, (lines, knots) in enumerate(_pieces(a, b, start, low, high)):
        rank = ranks[walker % n_ranks] - int(n_below[walker])
        middles = (np.append(low, knots) + np.append(knots, high)) / 2
        right = _has_rank(a[walker], b[walker], lines, middles, rank)
        found.append(Chain(knots, a[walker][lines], b[walker][lines]) if right else None)
    return [
        dict(zip(ranks, found[group * n_ranks : (group + 1) * n_ranks], strict=True))
        for group in range(n_groups)
    ]


def _has_rank(a: Floats, b: Floats, lines: Ints, x: Floats, rank: int) -> bool:
    """Whether each line has the rank at its x, or ties with the line that has."""
    values = a[lines] + b[lines] * x
    slack = TOLERANCE * np.maximum(1.0, np.abs(values))
    low, high = (values - slack)[:, None], (values + slack)[:, None]
    others = a + b * x[:, None]
    below, up_to = (others < low).sum(axis=1), (others <= high).sum(axis=1)
    return bool(((below <= rank) & (rank < up_to)).all())


def _select(values: Floats, ranks: Sequence[int]) -> Floats:
    return np.partition(values, ranks, axis=1)[:, ranks]


def _contenders(intercepts: Floats, slopes: Floats, ranks: Sequence[int], edges: Floats) -> Ints:
    """Return the lines that can have a rank somewhere, shape (group, rank, line), as many for each."""
    out = np.ones((len(intercepts), len(ranks), intercepts.shape[1]), dtype=bool)
    for low, high in pairwise(edges.tolist()):
        at_low, at_high = intercepts + slopes * low, intercepts + slopes * high
        lowest, highest = np.minimum(at_low, at_high), np.maximum(at_low, at_high)
        below = highest[:, None] < _select(lowest, ranks)[..., None]
        out &= below | (lowest[:, None] > _select(highest, ranks)[..., None])
    # A few lines too many, where others need more, do no harm: they never cross into the rank.
    n_kept = out.shape[2] - int(out.sum(axis=2).min())
    return np.argpartition(out, n_kept - 1, axis=2)[..., :n_kept]


def _pieces(a: Floats, b: Floats, start: Floats, low: float, high: float) -> list[tuple[Ints, Floats]]:
    """Return for each walker the lines it followed and the knots between them."""
    # Of lines that tie at the start any will do: it is checked afterwards.
    line = np.abs(a + b * low - start[:, None]).argmin(axis=1)
    lines: list[list[int]] = [[first] for first in line.tolist()]
    knots: list[list[float]] = [[] for _ in lines]
    walkers, x = np.arange(len(a)), np.full(len(a), low)
    while len(walkers):
        x, line = _next_crossing(a, b, line, x)
        going = x < high
        walkers, x, line = walkers[going], x[going], line[going]
        if not going.all():
            a, b = a[going], b[going]
        for walker, following, knot in zip(walkers.tolist(), line.tolist(), x.tolist(), strict=True):
            lines[walker].append(following)
            knots[walker].append(knot)
    return [(np.array(own), np.array(at)) for own, at in zip(lines, knots, strict=True)]


def _next_crossing(a: Floats, b: Floats, line: Ints, x: Floats) -> tuple[Floats, Ints]:
    """Return where each walker's line is crossed next, infinity if it is not, and by which line."""
    own = np.arange(len(a))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        crossing = a - a[own, line][:, None]
        crossing /= b[own, line][:, None] - b
    # Its own line gives NaN, a parallel one infinity.
    crossing[~(crossing > x[:, None])] = np.inf
    following = crossing.argmin(axis=1)
    return crossing[own, following], following
