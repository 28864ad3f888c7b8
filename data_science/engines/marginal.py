"""A proposal for one log sd: a piecewise exponential density through a grid, with exponential tails.

Changes when the proposal of nested Laplace over the group sds is to follow the marginal otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats
from data_science.engines.conditional import Conditionals
from data_science.likelihood.laplace import Mode

_REACH = (-8.0, 4.5)  # log sds looked at, in standard coordinates; beyond, the tails carry on
_NEGLIGIBLE_NATS = 30.0  # nats below the peak where the density no longer matters
_EVEN, _GROWTH, _MOST = 8, 1.2, 60  # even steps on each side, growth of later ones, most steps
FLATTENING = 0.9  # power of the density: a proposal must have the heavier tails


@dataclass(frozen=True, slots=True)
class Marginal:
    """Density that is log-linear between knots and beyond the outer ones."""

    knots: Floats  # (knot,), ascending
    log_density: Floats  # (knot,), normalised
    slopes: Floats  # (piece,), pieces: left tail, between knots, right tail
    mass: Floats  # (piece,), sums to one

    @classmethod
    def through(cls, knots: Floats, log_density: Floats) -> Marginal:
        """Normalise the piecewise exponential density through the given points."""
        inner = np.diff(log_density) / np.diff(knots)
        left = max(float(inner[0]), 0.1)  # a proper tail even where the grid saw none
        right = min(float(inner[-1]), -0.1)
        relative = log_density - log_density.max()
        width = np.diff(knots)
        higher = np.maximum(relative[:-1], relative[1:])  # from the higher end, so that nothing overflows
        pieces = np.exp(higher) * width * _mean_exponential(-np.abs(inner * width))
        mass = np.concatenate([[np.exp(relative[0]) / left], pieces, [-np.exp(relative[-1]) / right]])
        log_total = np.log(mass.sum()) + log_density.max()
        slopes = np.concatenate([[left], inner, [right]])
        return cls(knots, log_density - log_total, slopes, mass / mass.sum())

    def quantile(self, probability: Floats) -> tuple[Floats, Floats]:
        """Values at the given cumulative probabilities, and the log-density there."""
        cumulative = np.cumsum(self.mass)
        piece = np.minimum(np.searchsorted(cumulative, probability), len(self.mass) - 1)
        share = np.clip((probability - (cumulative - self.mass)[piece]) / self.mass[piece], 1e-15, 1 - 1e-15)
        slope = self.slopes[piece]
        start = np.maximum(piece - 1, 0)  # knot that a piece starts at; the left tail ends at the first
        width = np.append(np.diff(self.knots), np.inf)[start]
        rise = slope * width
        flat = np.abs(rise) < 1e-9
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            up = width + np.log(share + (1 - share) * np.exp(-rise)) / slope
            inside = np.where(rise > 0, up, np.log1p(share * np.expm1(rise)) / slope)
            offset = np.where(piece == 0, np.log(share) / slope, np.where(flat, share * width, inside))
        return self.knots[start] + offset, self.log_density[start] + slope * offset


def propose_theta(source: Conditionals, mode: Mode) -> list[Marginal]:
    """Proposal for each log sd from its Laplace marginal, the others held at the mode."""
    return [_propose(source, mode.theta, k) for k in range(source.joint.n_sds)]


def _propose(source: Conditionals, centre: Floats, k: int) -> Marginal:
    def profile(value: float) -> float:
        theta = centre.copy()
        theta[k] = value
        return float(source.log_marginal(theta[None])[0])

    start = float(centre[k])
    peak = profile(start)
    step = _spread(profile, start, peak) / 2
    left, right = (_walk(profile, start, peak, way * step) for way in (-1, 1))
    points = {**left, start: peak, **right}
    knots = np.array(sorted(points))
    return Marginal.through(knots, FLATTENING * np.array([points[knot] for knot in knots.tolist()]))


def _spread(profile: Callable[[float], float], start: float, peak: float) -> float:
    """Read a standard deviation off the curvature at the start."""
    h = 0.05
    curvature = (2 * peak - profile(start - h) - profile(start + h)) / h**2
    return float(np.clip(1 / np.sqrt(max(curvature, 1e-12)), 0.01, 0.5))


def _walk(profile: Callable[[float], float], start: float, peak: float, step: float) -> dict[float, float]:
    """Profile at points that lead away from the start, ever farther apart, until the density is nil."""
    points: dict[float, float] = {}
    at = start
    while len(points) < _MOST and _REACH[0] < at < _REACH[1]:
        at = float(np.clip(at + step, *_REACH))
        points[at] = profile(at)
        peak = max(peak, points[at])
        if points[at] < peak - _NEGLIGIBLE_NATS:
            break
        step *= _GROWTH if len(points) > _EVEN else 1.0
    return points


def _mean_exponential(a: Floats) -> Floats:
    """Mean of exp over [0, a]: (exp(a) - 1) / a, 1 at zero."""
    small = np.abs(a) < 1e-9
    safe = np.where(small, 1.0, a)
    return np.where(small, 1.0, np.expm1(safe) / safe)


def stratified(marginals: Sequence[Marginal], n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw every log sd from its proposal, one draw in each of ``n`` equal shares of probability.

    Returns
    -------
    array, shape (n, log sd)
        The draws.
    array, shape (n,)
        Their log density.
    """
    theta, log_density = np.empty((n, len(marginals))), np.zeros(n)
    for k, marginal in enumerate(marginals):
        theta[:, k], part = marginal.quantile((rng.permutation(n) + rng.random(n)) / n)
        log_density += part
    return theta, log_density
