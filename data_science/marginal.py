"""A proposal for one log sd: a piecewise exponential density through a grid, with exponential tails.

Changes when the proposal of nested Laplace over the group sds is to follow the marginal otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_science.conditional import Conditionals
from data_science.encoding import Floats
from data_science.laplace import Mode

_REACH = np.array([-8.0, 4.5])  # log sds looked at, in standard coordinates; beyond, the tails carry on
_COARSE, _FINE = 26, 31  # grid points over the reach, and within five sds of the mode
_FLATTENING = 0.9  # power of the density: a proposal must have the heavier tails


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
        pieces = np.exp(relative[:-1]) * width * _mean_exponential(inner * width)
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
        flat = np.abs(slope * width) < 1e-9
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            inside = np.log1p(share * np.expm1(slope * width)) / slope
        offset = np.where(piece == 0, np.log(share) / slope, np.where(flat, share * width, inside))
        return self.knots[start] + offset, self.log_density[start] + slope * offset


def propose_theta(source: Conditionals, mode: Mode) -> list[Marginal]:
    """Proposal for each log sd from its Laplace marginal, the others held at the mode."""
    proposals = []
    for k in range(source.joint.n_sds):
        grid = _grid(source, mode, k)
        proposals.append(Marginal.through(grid, _FLATTENING * _profile(source, mode, k, grid)))
    return proposals


def _profile(source: Conditionals, mode: Mode, k: int, grid: Floats) -> Floats:
    theta = np.tile(mode.theta, (len(grid), 1))
    theta[:, k] = grid
    return source.log_marginal(theta)


def _grid(source: Conditionals, mode: Mode, k: int) -> Floats:
    """Knots over the whole reach, and closer together where the mass is."""
    coarse = np.linspace(*_REACH, _COARSE)
    values = _profile(source, mode, k, coarse)
    density = np.exp(values - values.max())
    density /= density.sum()
    centre = float(coarse @ density)
    spread = max(float(np.sqrt(((coarse - centre) ** 2) @ density)), 0.02)
    if spread < coarse[1] - coarse[0]:  # narrower than the grid: take the curvature at the mode instead
        centre, step = float(mode.theta[k]), 0.02
        near = _profile(source, mode, k, centre + step * np.array([-1.0, 0.0, 1.0]))
        spread = float(np.clip(step / np.sqrt(max(2 * near[1] - near[0] - near[2], 1e-12)), 0.01, 1.0))
    fine = centre + spread * np.linspace(-5, 5, _FINE)
    return np.unique(np.round(np.concatenate([coarse, fine]), 12))


def _mean_exponential(a: Floats) -> Floats:
    """Mean of exp over [0, a]: (exp(a) - 1) / a, 1 at zero."""
    small = np.abs(a) < 1e-9
    safe = np.where(small, 1.0, a)
    return np.where(small, 1.0, np.expm1(safe) / safe)
