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

from data_science.encoding import Floats, Ints

# Agreement between the walk's last piece and the order statistic found by sorting, relative to the values.
TOLERANCE = 1e-12
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
        None where lines cross so closely that rounding led the walk astray; its last piece tells.
    """
    start, end = _select(intercepts + slopes * low, ranks), _select(intercepts + slopes * high, ranks)
    kept = _contenders(intercepts, slopes, ranks, np.linspace(low, high, STRETCHES + 1))
    n_groups, n_ranks, n_kept = kept.shape
    a = np.take_along_axis(intercepts[:, None], kept, axis=2).reshape(-1, n_kept)
    b = np.take_along_axis(slopes[:, None], kept, axis=2).reshape(-1, n_kept)
    pieces = _pieces(a, b, start.ravel(), low, high)
    chains = [_chain(a[walker], b[walker], *piece) for walker, piece in enumerate(pieces)]
    arrived = [
        abs(chain.intercepts[-1] + chain.slopes[-1] * high - value) <= TOLERANCE * max(1.0, abs(value))
        for chain, value in zip(chains, end.ravel().tolist(), strict=True)
    ]
    sound = [chain if right else None for chain, right in zip(chains, arrived, strict=True)]
    return [
        dict(zip(ranks, sound[group * n_ranks : (group + 1) * n_ranks], strict=True))
        for group in range(n_groups)
    ]


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


def _select(values: Floats, ranks: Sequence[int]) -> Floats:
    return np.partition(values, ranks, axis=1)[:, ranks]


def _pieces(a: Floats, b: Floats, start: Floats, low: float, high: float) -> list[tuple[Ints, Floats]]:
    """Return for each walker the lines it followed and the knots between them."""
    # Of lines that tie at the start any will do, the last piece tells.
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
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = a - a[own, line][:, None]
        crossing /= b[own, line][:, None] - b
    # Its own line gives NaN, a parallel one infinity.
    crossing[~(crossing > x[:, None])] = np.inf
    following = crossing.argmin(axis=1)
    return crossing[own, following], following


def _chain(a: Floats, b: Floats, lines: Ints, knots: Floats) -> Chain:
    return Chain(knots, a[lines], b[lines])
