"""Modes of what is left given the sds, and the Laplace marginal of the sds: where the integration starts.

Exact in neither, as in `likelihood.laplace`; here with the largest factor integrated out exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats
from data_science.errors import GateError
from data_science.likelihood.collapse.density import Collapsed, Slope
from data_science.likelihood.laplace import THETA_RANGE

_CONVERGED = 1e-4  # squared Newton decrement, in nats; the expansion at the last point takes account of it
_SETTLED = 0.02  # of the approximate ascent in theta, likewise
_STEPS = 60
_FARTHEST = 2.0  # step of a coefficient in standard coordinates
_ROUNDS = 30
_NUDGE = 0.05  # of the log sd, in which the precision's change is measured


@dataclass(frozen=True, slots=True)
class Centre:
    """Mode of v at some theta, and the density around it."""

    theta: Floats
    v: Floats
    slope: Slope
    lower: Floats  # Cholesky factor of the full precision
    log_marginal: float


def conditional(density: Collapsed, theta: Floats, start: Floats, modes: Floats) -> Centre:
    """Maximise over v at fixed theta by Newton's method with halving.

    Raises
    ------
    GateError
        If the density is not finite or no mode is found.
    """
    v, slope = start, density.slope(start, theta, modes)
    for _ in range(_STEPS):
        if not np.isfinite(slope.value):
            raise GateError("the collapsed density is not finite; check the data for extreme values")
        full = slope.precision + np.diag(slope.prior_precision)
        try:
            lower = np.linalg.cholesky(full)
        except np.linalg.LinAlgError as error:
            raise GateError(f"the collapsed posterior has no proper mode: {error}") from error
        half = np.linalg.solve(lower, slope.gradient) if len(v) else slope.gradient
        decrement = float(half @ half)
        step = np.linalg.solve(lower.T, half) if len(v) else half
        if decrement < _CONVERGED:
            log_det = float(np.log(lower.diagonal()).sum())
            return Centre(theta, v + step, slope, lower, slope.value + decrement / 2 - log_det)
        size = 1 / max(1.0, float(np.abs(step).max(initial=0)) / _FARTHEST)
        while True:
            following = density.slope(v + size * step, theta, modes)
            if following.value > slope.value - 1e-6 or size < 1e-6:
                break
            size /= 2
        v, slope = v + size * step, following
    raise GateError(f"no mode of what is left after {_STEPS} Newton steps; check the priors")


def marginal_mode(density: Collapsed, modes: Floats) -> tuple[Centre, Floats]:
    """Climb the Laplace marginal of theta; return where that ends, and each log sd's rough curvature there.

    The gradient is exact but for the precision's change with v; it only places a proposal.
    """
    plan, theta = density.plan, np.full(density.n_sds, -0.5)
    centre = conditional(density, theta, np.zeros(plan.n_left), modes)
    for _ in range(_ROUNDS):
        gradient, curvature = _ascent(density, centre, modes)
        free = ~(((theta <= THETA_RANGE[0]) & (gradient < 0)) | ((theta >= THETA_RANGE[1]) & (gradient > 0)))
        step = np.where(free, np.clip(gradient / curvature, -0.7, 0.7), 0.0)
        if float(np.abs(step) @ np.abs(gradient)) < _SETTLED:
            break
        while True:
            moved = np.clip(theta + step, *THETA_RANGE)
            following = conditional(density, moved, centre.v, modes)
            if following.log_marginal > centre.log_marginal - 1e-2 or np.abs(step).max() < 1e-3:
                break
            step = step / 3
        theta, centre = moved, following
    return centre, curvature


def _ascent(density: Collapsed, centre: Centre, modes: Floats) -> tuple[Floats, Floats]:
    """Gradient of the Laplace marginal in theta, approximately, and a positive curvature."""
    plan, slope, theta = density.plan, centre.slope, centre.theta
    inverse = np.linalg.inv(centre.lower)
    covariance = inverse.T @ inverse
    gradient, curvature = slope.first.copy(), -slope.second
    nudged = theta.copy()
    nudged[plan.block] += _NUDGE
    change = (density.slope(centre.v, nudged, modes).precision - slope.precision) / _NUDGE
    gradient[plan.block] -= 0.5 * float((covariance * change).sum())
    curvature[plan.block] -= slope.cross @ covariance @ slope.cross
    for k, where in plan.blocks:
        share = covariance.diagonal()[where] * np.exp(-2 * theta[k])
        gradient[k] += share.sum()
        curvature[k] = 2 * ((1 - share) ** 2).sum()
    return gradient, np.maximum(curvature, 1.0)
