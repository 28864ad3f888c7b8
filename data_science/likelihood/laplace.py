"""Modes of the log joint, and the Laplace approximation of the group sds' marginal posterior.

Tierney and Kadane 1986, doi:10.1080/01621459.1986.10478240. Used to place the transport's reference point
and as the first step of nested Laplace; exact in neither, so never reported as the posterior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from data_science.arrays import Floats
from data_science.errors import GateError
from data_science.likelihood.arrow import Arrow, ArrowFactor, Elimination
from data_science.likelihood.log_joint import LogJoint
from data_science.likelihood.transport import Transport

#: Where the reference sds are sought, in standard coordinates. With no signal an sd's mode is at zero; a
#: reference there would whiten with no data left, so it stays above exp(-3) on the logit scale.
THETA_RANGE = (-3.0, 3.5)
_MAX_STEPS = 100
_CONVERGED = 1e-9  # squared Newton decrement, in nats


@dataclass(frozen=True, slots=True)
class Mode:
    """Mode of the coefficients given the group sds, with the local precision."""

    theta: Floats
    x: Floats
    hessian: Arrow  # minus the Hessian of the log-likelihood
    precision: Floats  # diagonal of minus the Hessian of the log prior
    factor: ArrowFactor  # Cholesky factor of the sum
    log_marginal: float  # Laplace's log p(theta, y), up to a constant


def conditional_mode(joint: LogJoint, elimination: Elimination, theta: Floats, start: Floats) -> Mode:
    """Maximise the log joint over coefficients at fixed ``theta`` by Newton's method with halving.

    Raises
    ------
    GateError
        If the density is not finite or no mode is found.
    """
    x, value = start, joint.value(start, theta)
    for _ in range(_MAX_STEPS):
        _, gradient, curvature = joint.log_likelihood(x)
        _, prior_gradient, precision, _ = joint.log_prior(x, theta)
        precision = np.maximum(precision, 0.0)  # heavy-tailed priors are not log-concave
        hessian = elimination.gram(curvature)
        try:
            factor = hessian.factor(precision)
        except np.linalg.LinAlgError as error:
            raise GateError(f"the posterior has no proper mode: {error}; give proper priors") from error
        step = factor.solve(gradient + prior_gradient)
        decrement = float(step @ (gradient + prior_gradient))
        if not np.isfinite(decrement):
            raise GateError("the log posterior is not finite; check the data for extreme values")
        if decrement < _CONVERGED:
            dimension = 0.5 * len(x) * np.log(2 * np.pi)
            return Mode(theta, x, hessian, precision, factor, float(value) - factor.half_log_det + dimension)
        x, value = _line_search(joint, theta, x, step, float(value))
    raise GateError(f"no mode of the coefficients after {_MAX_STEPS} Newton steps; check the priors")


def reference_mode(joint: LogJoint, elimination: Elimination) -> Mode:
    """Mode at the group sds that maximise the Laplace marginal within :data:`THETA_RANGE`."""
    start = np.zeros(joint.n_coefficients)
    if joint.n_sds == 0:
        return conditional_mode(joint, elimination, np.empty(0), start)

    def objective(theta: Floats) -> float:
        nonlocal start
        mode = conditional_mode(joint, elimination, theta, start)
        start = mode.x
        return -mode.log_marginal

    found = minimize(
        objective,
        np.full(joint.n_sds, -0.7),
        method="L-BFGS-B",
        bounds=[THETA_RANGE] * joint.n_sds,
        options={"ftol": 1e-6, "eps": 1e-3, "maxiter": 50},
    )
    return conditional_mode(joint, elimination, np.asarray(found.x), start)


def transport_at(joint: LogJoint, mode: Mode) -> Transport:
    """Transport whose whitening is exact at ``mode`` and good around it.

    ``b = H x + grad log-likelihood + (precision x + grad log-prior) over common effects``, so that
    ``P(theta)^-1 b`` is ``x`` at the reference sds.
    """
    _, gradient, _ = joint.log_likelihood(mode.x)
    _, prior_gradient, _, _ = joint.log_prior(mode.x, mode.theta)
    precision = mode.precision.copy()
    precision[joint.n_common :] = 0.0
    prior_part = np.zeros_like(precision)
    n = joint.n_common
    prior_part[:n] = prior_gradient[:n] + precision[:n] * mode.x[:n]
    return Transport(joint, mode.hessian, mode.hessian.multiply(mode.x) + gradient + prior_part, precision)


def _line_search(
    joint: LogJoint, theta: Floats, x: Floats, step: Floats, value: float
) -> tuple[Floats, Floats]:
    size = 1.0
    while size > 1e-8:
        candidate = x + size * step
        reached = joint.value(candidate, theta)
        if reached >= value - 1e-9 * abs(value):
            return candidate, reached
        size /= 2
    return x + size * step, joint.value(x + size * step, theta)
