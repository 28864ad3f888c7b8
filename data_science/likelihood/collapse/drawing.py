"""Draws of a level from the density that the nodes of its integral have determined.

One draw at each of many points: the log density between two nodes is a cubic through four: first an interval
by its mass (Simpson's rule with that cubic's middle), then a value inside by rejection.

Many draws at one point, whose nodes are close to each other: an interval by its mass (the trapezoid rule with
Euler and Maclaurin's first correction), found from a table, and a value inside as if the density were linear.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from data_science.arrays import Floats
from data_science.likelihood.collapse.nodes import FAST

_LEAST = 1e-200  # weight below which a node is as good as none
FINE = 0.25  # spacing in Laplace sds at which a density is linear enough between nodes: 5e-5 in probability
QUANTILES = (0.05, 0.5, 0.95)
_GUIDES = 128  # entries of the table from a probability to the interval


@njit(fastmath=FAST, error_model="numpy")
def _middle(weight: Floats, k: int, m: int) -> float:
    """Density half way between nodes k and k + 1: the log of it by a cubic through four nodes."""
    low, high = weight[k, m], weight[k + 1, m]
    inner = low * high
    if k == 0 or k + 2 == len(weight):
        return float(np.sqrt(inner))
    outer = weight[k - 1, m] * weight[k + 2, m]
    if not outer > _LEAST or not inner > _LEAST:
        return float(np.sqrt(inner))
    ratio = np.sqrt(np.sqrt(np.sqrt(np.sqrt(inner / outer))))
    return float(np.sqrt(inner) * ratio)


@njit(fastmath=FAST, error_model="numpy")
def draw_levels(
    weight: Floats,
    half: int,
    centre: Floats,
    d: Floats,
    rng: np.random.Generator,
    mass: Floats,
    drawn: Floats,
) -> None:
    """Draw one value per point from the density through its nodes."""
    size, n_points = weight.shape
    masses = np.empty((size - 1, n_points))
    for m in range(n_points):
        mass[m] = 0.0
    for k in range(size - 1):
        low, high, line = weight[k], weight[k + 1], masses[k]
        if k == 0 or k + 2 == size:
            for m in range(n_points):
                line[m] = low[m] + 4 * np.sqrt(low[m] * high[m]) + high[m]
        else:
            before, after = weight[k - 1], weight[k + 2]
            for m in range(n_points):
                inner = max(low[m] * high[m], _LEAST)
                outer = max(before[m] * after[m], _LEAST)
                ratio = np.sqrt(np.sqrt(np.sqrt(np.sqrt(inner / outer))))
                line[m] = low[m] + 4 * np.sqrt(inner) * ratio + high[m]
        for m in range(n_points):
            mass[m] += line[m]
    for m in range(n_points):
        left, k = rng.random() * mass[m], 0
        while k < size - 2 and left > masses[k, m]:
            left -= masses[k, m]
            k += 1
        low, mid, high = (
            max(weight[k, m], _LEAST),
            max(_middle(weight, k, m), _LEAST),
            max(weight[k + 1, m], _LEAST),
        )
        b, c = np.log(mid / low), np.log(high / low)
        curve, slope = 2 * (c - 2 * b), 4 * b - c  # log density: slope x + curve x^2 on [0, 1]
        top = max(0.0, c)
        if curve < 0:
            best = -slope / (2 * curve)
            if 0 < best < 1:
                top = 0.5 * slope * best
        x = rng.random()
        for _ in range(1000):
            if rng.random() <= np.exp(slope * x + curve * x * x - top):
                break
            x = rng.random()
        drawn[m] = centre[m] + (k - half + x) * d[m]


@njit(fastmath=FAST, error_model="numpy")
def draw_many(
    weight: Floats, half: int, centre: float, d: float, rng: np.random.Generator, drawn: Floats
) -> None:
    """Fill ``drawn``, shape (quantile + draw,), from the density through close nodes at one point."""
    last = len(weight) - 1
    cumulative, guide = np.empty(last + 1), np.empty(_GUIDES, np.int64)
    cumulative[0], before = 0.0, 0.0
    for k in range(1, last + 1):
        slope = 0.5 * (weight[min(k + 1, last)] - weight[k - 1])
        inside = 0.5 * (weight[k - 1] + weight[k]) - (slope - before) / 12
        cumulative[k], before = cumulative[k - 1] + max(inside, 0.0), slope
    total, k = cumulative[last], 0
    for g in range(_GUIDES):
        while k < last - 1 and cumulative[k + 1] < total * g / _GUIDES:
            k += 1
        guide[g] = k
    for i in range(len(drawn)):
        uniform = QUANTILES[i] if i < len(QUANTILES) else rng.random()
        k, below = guide[int(uniform * _GUIDES)], uniform * total
        while k < last - 1 and cumulative[k + 1] < below:
            k += 1
        a, b = weight[k], weight[k + 1]
        share = (below - cumulative[k]) / max(cumulative[k + 1] - cumulative[k], _LEAST)
        x = share * (a + b) / max(a + np.sqrt(a * a + (b * b - a * a) * share), _LEAST)
        drawn[i] = centre + (k - half + min(x, 1.0)) * d
