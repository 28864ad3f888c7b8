"""The mode of all that is left, the log sd included, and the curvature there: where few parameters are left.

Unlike the mode of an uncollapsed posterior it exists and is where the mass is: every level is integrated out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats
from data_science.errors import GateError
from data_science.likelihood.collapse.density import Collapsed, Slope

_CONVERGED = 0.02  # Newton decrement, in nats: the last step is taken without looking
_STEPS = 40
_NOISE = 1e-7  # of a sum over thousands of integrals, each on a grid of its own, relative
_FARTHEST, _FARTHEST_LOG = 2.0, 0.7  # step of a coefficient in standard coordinates, and of the log sd
_START = -0.5  # log sd


@dataclass(frozen=True, slots=True)
class Joint:
    """The mode, v first and the log sd last, and the square root of the inverse precision there."""

    mode: Floats  # (r + 1,)
    root: Floats  # (r + 1, r + 1), upper triangular


def joint_mode(density: Collapsed, modes: Floats) -> Joint:
    """Climb by Newton's method with halving, for a formula with one group sd; ``modes`` follow.

    Raises
    ------
    GateError
        If the density is not finite, or has no mode.
    """
    at = np.append(np.zeros(density.plan.n_left), _START)
    slope = density.slope(at[:-1], at[-1:], modes)
    for _ in range(_STEPS):
        if not np.isfinite(slope.value):
            break
        gradient = np.append(slope.gradient, slope.first)
        lower = _factor(slope)
        half = np.linalg.solve(lower, gradient)
        step, decrement = np.linalg.solve(lower.T, half), float(half @ half)
        if decrement < _CONVERGED:
            return Joint(at + step, np.linalg.inv(lower).T)
        longest = max(float(np.abs(step[:-1]).max(initial=0)) / _FARTHEST, abs(step[-1]) / _FARTHEST_LOG)
        size = 1 / max(1.0, longest)
        while True:
            following = density.slope(at[:-1] + size * step[:-1], at[-1:] + size * step[-1:], modes)
            if following.value > slope.value - _NOISE * (1 + abs(slope.value)) or size < 1e-6:
                break
            size /= 2
        at, slope = at + size * step, following
    raise GateError("the collapsed density has no mode in all that is left")


def _factor(slope: Slope) -> Floats:
    """Cholesky factor of minus the Hessian; where that is not positive, of a part of it that is."""
    r = len(slope.gradient)
    negative = np.empty((r + 1, r + 1))
    negative[:r, :r] = slope.precision + np.diag(slope.prior_precision)
    negative[:r, r] = negative[r, :r] = -slope.cross
    negative[r, r] = -slope.second[0]
    try:
        return np.linalg.cholesky(negative)
    except np.linalg.LinAlgError:
        negative[:r, r] = negative[r, :r] = 0.0
        negative[r, r] = max(negative[r, r], 1.0)
    try:
        return np.linalg.cholesky(negative)
    except np.linalg.LinAlgError as error:
        raise GateError(f"the collapsed posterior has no proper mode: {error}") from error
