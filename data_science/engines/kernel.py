"""The transported density, compiled: :meth:`Transport.log_density` of small dense designs, five times faster.

The same steps as there, as loops that numba compiles once and keeps on disk; a test holds both equal. NumPy
spends its time on forty calls for matrices of order ten; with many coefficients it is as fast, and is used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import njit

from data_science.formula import priors
from data_science.formula.encoding import Floats
from data_science.likelihood.transport import Transport

#: Coefficients up to which loops beat BLAS.
LARGEST_ORDER = 100

log = logging.getLogger(__name__)


def _compiled[F: Callable[..., Any]](function: F) -> F:
    """Compile on first use, and for all runs where a cache can be written."""
    try:
        return cast("F", njit(cache=True, error_model="numpy")(function))
    except RuntimeError:  # numba found no folder to write to
        log.info("no writable cache for compiled code: set NUMBA_CACHE_DIR to save seconds in every run")
        return cast("F", njit(error_model="numpy")(function))


_normal, _student_t, _logistic, _gamma, _inverse_gamma = (njit(base) for base in priors.BASES)


def compiled(transport: Transport) -> Callable[[Floats, Floats], tuple[float, Floats, Floats]] | None:
    """Return the compiled density of ``(theta, z)`` with its gradients, or None where NumPy is as fast."""
    joint = transport.joint
    if not isinstance(joint.matrix, np.ndarray) or joint.n_coefficients > LARGEST_ORDER:
        return None
    if transport.hessian.order.head.size:
        return None
    data = (
        joint.matrix, joint.weights, joint.successes, transport.hessian.c, transport.linear,
        transport.common_precision, joint.block_sizes, joint.n_common,
        joint.common_priors.bases, joint.common_priors.norms, joint.common_priors.arguments,
        joint.sd_priors.bases, joint.sd_priors.norms, joint.sd_priors.arguments,
    )  # fmt: skip

    def log_density(theta: Floats, z: Floats) -> tuple[float, Floats, Floats]:
        gradient_theta, gradient_z = np.empty_like(theta), np.empty_like(z)
        value = _log_density(theta, z, gradient_theta, gradient_z, *data)
        return value, gradient_theta, gradient_z

    return log_density


@njit
def _prior(base: int, x: float, norm: float, arguments: Floats) -> Any:
    a, b, c = arguments
    if base == 0:
        return _normal(x, norm, a, b, c)
    if base == 1:
        return _student_t(x, norm, a, b, c)
    if base == 2:
        return _logistic(x, norm, a, b, c)
    if base == 3:
        return _gamma(x, norm, a, b, c)
    return _inverse_gamma(x, norm, a, b, c)


@njit
def _inverse_cholesky(matrix: Floats) -> Any:
    """Inverse of the lower Cholesky factor, and log det of the factor (NaN if not positive definite)."""
    n = len(matrix)
    lower, inverse, log_det = np.zeros((n, n)), np.zeros((n, n)), 0.0
    for j in range(n):
        pivot = matrix[j, j]
        for k in range(j):
            pivot -= lower[j, k] * lower[j, k]
        lower[j, j] = np.sqrt(pivot)
        log_det += np.log(lower[j, j])
        for i in range(j + 1, n):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = total / lower[j, j]
    for j in range(n):
        inverse[j, j] = 1 / lower[j, j]
        for i in range(j + 1, n):
            total = 0.0
            for k in range(j, i):
                total -= lower[i, k] * inverse[k, j]
            inverse[i, j] = total / lower[i, i]
    return inverse, log_det


@njit
def _lower(inverse: Floats, v: Floats) -> Floats:
    """``L^-1 v``."""
    out = np.zeros(len(v))
    for i in range(len(v)):
        for k in range(i + 1):
            out[i] += inverse[i, k] * v[k]
    return out


@njit
def _upper(inverse: Floats, v: Floats) -> Floats:
    """``L^-T v``."""
    out = np.zeros(len(v))
    for k in range(len(v)):
        for i in range(k + 1):
            out[i] += inverse[k, i] * v[k]
    return out


@njit
def _add_likelihood(matrix: Floats, weights: Floats, successes: Floats, x: Floats, gradient: Floats) -> float:
    value = 0.0
    n_nodes, n = matrix.shape
    for j in range(n):
        value += successes[j] * x[j]
        gradient[j] += successes[j]
    for i in range(n_nodes):
        eta = 0.0
        for j in range(n):
            eta += matrix[i, j] * x[j]
        decay = np.exp(-abs(eta))
        value -= weights[i] * (max(eta, 0.0) + np.log1p(decay))
        expected = weights[i] * (1.0 if eta >= 0 else decay) / (1 + decay)
        for j in range(n):
            gradient[j] -= matrix[i, j] * expected
    return value


@_compiled
def _log_density(
    theta: Floats, z: Floats, gradient_theta: Floats, gradient_z: Floats,
    matrix: Floats, weights: Floats, successes: Floats, hessian: Floats, linear: Floats,
    common_precision: Floats, sizes: Any, n_common: int,
    bases: Any, norms: Floats, arguments: Floats, sd_bases: Any, sd_norms: Floats, sd_arguments: Floats,
) -> float:  # fmt: skip
    n = len(z)
    precision = hessian.copy()
    for j in range(n):
        precision[j, j] += common_precision[j]
    j = n_common
    for k in range(len(theta)):
        for _ in range(sizes[k]):
            precision[j, j] += np.exp(-2 * theta[k])
            j += 1
    inverse, log_det = _inverse_cholesky(precision)
    y = _lower(inverse, linear)
    x = _upper(inverse, y + z)
    gradient = np.zeros(n)
    value = _add_likelihood(matrix, weights, successes, x, gradient) - log_det
    for j in range(n_common):
        density = _prior(bases[j], x[j], norms[j], arguments[j])
        value += density.value
        gradient[j] += density.first
    j = n_common
    for k in range(len(theta)):
        sigma, inverse_square, squares = np.exp(theta[k]), np.exp(-2 * theta[k]), 0.0
        for _ in range(sizes[k]):
            squares += inverse_square * x[j] * x[j]
            gradient[j] -= inverse_square * x[j]
            j += 1
        hyper = _prior(sd_bases[k], sigma, sd_norms[k], sd_arguments[k])
        value += hyper.value + theta[k] - 0.5 * squares - sizes[k] * (theta[k] + 0.5 * np.log(2 * np.pi))
        gradient_theta[k] = squares - sizes[k] + hyper.first * sigma + 1
    u = _lower(inverse, gradient)
    gradient_z[:] = u
    mean, pull = _upper(inverse, y), _upper(inverse, u)
    j = n_common
    for k in range(len(theta)):
        moved = 0.0
        for _ in range(sizes[k]):
            moved += pull[j] * mean[j]
            running = 0.0
            for i in range(j, n):  # the running sum of _through_factor, down column j of L^-1
                product = inverse[i, j] * u[i]
                moved += inverse[i, j] * (z[i] * (running + 0.5 * product) + 0.5 * inverse[i, j])
                running += product
            j += 1
        gradient_theta[k] += 2 * np.exp(-2 * theta[k]) * moved
    return value
