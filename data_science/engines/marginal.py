"""A proposal for one log sd: a piecewise exponential density through a grid, with exponential tails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from data_science.arrays import Floats

_FLATTENING = 0.9  # power of the density: a proposal must have the heavier tails
_FINER = 6  # points of a proposal between two of the density


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

    @classmethod
    def proposed(cls, points: Floats, log_density: Floats) -> Marginal:
        """Follow a density through a few ascending points by a monotone cubic, flattened a little."""
        between = np.arange(_FINER * (len(points) - 1) + 1) / _FINER
        fine = np.interp(between, np.arange(len(points)), points)
        smooth = PchipInterpolator(points, log_density)(fine)
        return cls.through(fine, _FLATTENING * (smooth - log_density.max()))

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
