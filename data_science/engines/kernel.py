"""The transported density, compiled: :meth:`Transport.log_density` as loops, several times faster.

The same steps as there, which numba compiles once and keeps on disk; a test holds both equal. NumPy spends
its time on forty calls for matrices of order ten, or on zeros where groups are many; only where the
factorisation itself dominates is BLAS as fast, and is used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
from numba import njit

from data_science.formula import priors
from data_science.formula.encoding import Floats
from data_science.likelihood.transport import Transport

#: Multiplications of one factorisation up to which loops beat BLAS.
LARGEST_WORK = 3_000_000

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
    joint, hessian = transport.joint, transport.hessian
    (n_levels, q), r = hessian.order.head.shape, len(hessian.order.rest)
    if n_levels * q * r**2 + r**3 > LARGEST_WORK:
        return None
    rows = sp.csr_array(joint.matrix)
    data = (
        rows.data, rows.indices.astype(np.intp), rows.indptr.astype(np.intp), joint.weights, joint.successes,
        hessian.order.head, hessian.order.rest, hessian.a, hessian.b, np.ascontiguousarray(hessian.c),
        transport.linear, transport.common_precision, joint.block_sizes, joint.n_common,
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
def _factor(head: Any, rest: Any, a: Floats, b: Floats, c: Floats, diagonal: Floats) -> Any:
    """Arrow factor: inverses of A's Cholesky blocks, W = A^-1/2 B, inverse of the Schur factor, log det."""
    n_levels, q = head.shape
    r = len(rest)
    blocks, border, log_det = np.zeros((n_levels, q, q)), np.zeros((n_levels, q, r)), 0.0
    schur = c.copy()
    for m in range(r):
        schur[m, m] += diagonal[rest[m]]
    for level in range(n_levels):
        block = a[level].copy()
        for k in range(q):
            block[k, k] += diagonal[head[level, k]]
        inverse, part = _inverse_cholesky(block)
        log_det += part
        blocks[level] = inverse
        for k in range(q):
            for i in range(k + 1):
                for m in range(r):
                    border[level, k, m] += inverse[k, i] * b[level, i, m]
        for k in range(q):
            for m in range(r):
                for i in range(m + 1):
                    schur[m, i] -= border[level, k, m] * border[level, k, i]
    inverse, part = _inverse_cholesky(schur)  # reads the lower triangle only
    return blocks, border, inverse, log_det + part


@njit
def _lower(head: Any, rest: Any, blocks: Floats, border: Floats, inverse: Floats, v: Floats) -> Floats:
    """``L^-1 v``."""
    out = np.zeros(len(v))
    n_levels, q = head.shape
    r = len(rest)
    remaining = v[rest]
    for level in range(n_levels):
        for k in range(q):
            top = 0.0
            for i in range(k + 1):
                top += blocks[level, k, i] * v[head[level, i]]
            out[head[level, k]] = top
            for m in range(r):
                remaining[m] -= border[level, k, m] * top
    for m in range(r):
        for i in range(m + 1):
            out[rest[m]] += inverse[m, i] * remaining[i]
    return out


@njit
def _upper(head: Any, rest: Any, blocks: Floats, border: Floats, inverse: Floats, v: Floats) -> Floats:
    """``L^-T v``."""
    out = np.zeros(len(v))
    n_levels, q = head.shape
    r = len(rest)
    bottom = np.zeros(r)
    for m in range(r):
        for i in range(m + 1):
            bottom[i] += inverse[m, i] * v[rest[m]]
    for m in range(r):
        out[rest[m]] = bottom[m]
    for level in range(n_levels):
        for k in range(q):
            left = v[head[level, k]]
            for m in range(r):
                left -= border[level, k, m] * bottom[m]
            for i in range(k + 1):
                out[head[level, i]] += blocks[level, k, i] * left
    return out


@njit
def _add_likelihood(
    data: Floats, indices: Any, starts: Any, weights: Floats, successes: Floats, x: Floats, gradient: Floats
) -> float:
    value = 0.0
    for j in range(len(x)):
        value += successes[j] * x[j]
        gradient[j] += successes[j]
    for i in range(len(weights)):
        eta = 0.0
        for k in range(starts[i], starts[i + 1]):
            eta += data[k] * x[indices[k]]
        decay = np.exp(-abs(eta))
        value -= weights[i] * (max(eta, 0.0) + np.log1p(decay))
        expected = weights[i] * (1.0 if eta >= 0 else decay) / (1 + decay)
        for k in range(starts[i], starts[i + 1]):
            gradient[indices[k]] -= data[k] * expected
    return value


@njit
def _add_prior(
    theta: Floats, x: Floats, gradient: Floats, gradient_theta: Floats, sizes: Any, n_common: int,
    bases: Any, norms: Floats, arguments: Floats, sd_bases: Any, sd_norms: Floats, sd_arguments: Floats,
) -> float:  # fmt: skip
    value = 0.0
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
    return value


@njit
def _through_factor(
    head: Any, rest: Any, blocks: Floats, border: Floats, inverse: Floats, z: Floats, u: Floats
) -> Floats:
    """As ``transport._through_factor``: a running sum down each column of ``L^-1``."""
    out = np.zeros(len(z))
    n_levels, q = head.shape
    r = len(rest)
    for column in range(r):
        running = 0.0
        for m in range(column, r):
            entry = inverse[m, column]
            product = entry * u[rest[m]]
            out[rest[column]] += entry * (z[rest[m]] * (running + 0.5 * product) + 0.5 * entry)
            running += product
    mixed = np.zeros(r)
    for level in range(n_levels):
        for column in range(q):
            total, running = 0.0, 0.0
            mixed[:] = 0.0
            for k in range(column, q):
                entry = blocks[level, k, column]
                product = entry * u[head[level, k]]
                total += entry * (z[head[level, k]] * (running + 0.5 * product) + 0.5 * entry)
                running += product
                for m in range(r):
                    mixed[m] += entry * border[level, k, m]
            for m in range(r):
                entry = 0.0
                for i in range(m + 1):
                    entry -= inverse[m, i] * mixed[i]
                product = entry * u[rest[m]]
                total += entry * (z[rest[m]] * (running + 0.5 * product) + 0.5 * entry)
                running += product
            out[head[level, column]] = total
    return out


@_compiled
def _log_density(
    theta: Floats, z: Floats, gradient_theta: Floats, gradient_z: Floats,
    data: Floats, indices: Any, starts: Any, weights: Floats, successes: Floats,
    head: Any, rest: Any, a: Floats, b: Floats, c: Floats,
    linear: Floats, common_precision: Floats, sizes: Any, n_common: int,
    bases: Any, norms: Floats, arguments: Floats, sd_bases: Any, sd_norms: Floats, sd_arguments: Floats,
) -> float:  # fmt: skip
    diagonal = common_precision.copy()
    j = n_common
    for k in range(len(theta)):
        for _ in range(sizes[k]):
            diagonal[j] += np.exp(-2 * theta[k])
            j += 1
    blocks, border, inverse, log_det = _factor(head, rest, a, b, c, diagonal)
    y = _lower(head, rest, blocks, border, inverse, linear)
    x = _upper(head, rest, blocks, border, inverse, y + z)
    gradient = np.zeros(len(z))
    value = _add_likelihood(data, indices, starts, weights, successes, x, gradient) - log_det
    value += _add_prior(
        theta, x, gradient, gradient_theta, sizes, n_common,
        bases, norms, arguments, sd_bases, sd_norms, sd_arguments,
    )  # fmt: skip
    u = _lower(head, rest, blocks, border, inverse, gradient)
    gradient_z[:] = u
    if len(theta) == 0:
        return value
    mean = _upper(head, rest, blocks, border, inverse, y)
    pull = _upper(head, rest, blocks, border, inverse, u)
    moved = pull * mean + _through_factor(head, rest, blocks, border, inverse, z, u)
    j = n_common
    for k in range(len(theta)):
        total = 0.0
        for _ in range(sizes[k]):
            total += moved[j]
            j += 1
        gradient_theta[k] += 2 * np.exp(-2 * theta[k]) * total
    return value
