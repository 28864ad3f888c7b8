"""Coefficients given the group sds: modes, Laplace marginals and bent Gaussian draws, many at a time.

The Gaussian at the mode is bent along each whitened axis by ``u = sinh(asinh(z) + c/3)`` (Jones and Pewsey
2009, doi:10.1093/biomet/asp053) with c the third derivative there, which matches the posterior's skewness to
first order and is monotone, so the proposal's density stays exact; the other axes' pull on the mean is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from data_science.arrays import Floats
from data_science.errors import GateError
from data_science.likelihood import binomial
from data_science.likelihood.arrow import Elimination
from data_science.likelihood.laplace import conditional_mode
from data_science.likelihood.log_joint import LogJoint
from data_science.likelihood.transport import Transport

_ENTRIES = 4_000_000  # floats held at a time in one batch
_NEWTON_STEPS = 12
_CONVERGED = 1e-6  # squared Newton decrement, in nats; the weights correct what is left
DENSE_ORDER = 120  # coefficients up to which factors are formed as dense batches
_BEND_LIMIT = 1.5
_WIDE_SHARE = 0.05  # of the proposals, what defending the tails may cost in efficiency


@dataclass(frozen=True, slots=True)
class Conditionals:
    """Source of everything about coefficients given sds."""

    joint: LogJoint
    elimination: Elimination
    transport: Transport
    reference: Floats  # coefficients at the reference mode

    @property
    def is_dense(self) -> bool:
        """Whether batches of dense factors are the faster way."""
        return not sp.issparse(self.joint.matrix) and self.joint.n_coefficients <= DENSE_ORDER

    def log_marginal(self, theta: Floats) -> Floats:
        """Laplace's ``log p(theta, y)`` up to a constant, for theta of shape (point, sd)."""
        if self.is_dense:
            parts = [_modes(self, part) for part in _batches(self, theta)]
            return np.concatenate([value - log_det for _, _, value, log_det, _ in parts])
        starts = self.starts(theta)
        modes = (
            conditional_mode(self.joint, self.elimination, *pair) for pair in zip(theta, starts, strict=True)
        )
        return np.array([mode.log_marginal for mode in modes])

    def starts(self, theta: Floats) -> Floats:
        """Where Newton's method starts for each theta: the transport's mean, or the reference mode if better.

        Far from the reference sds the transport extrapolates to where every probability is 0 or 1.
        """
        zero = np.zeros(self.joint.n_coefficients)
        if self.joint.n_sds:
            means = np.array([self.transport.coefficients(t, zero) for t in theta])
        else:  # one mean, however many draws
            means = np.tile(self.transport.coefficients(theta[0], zero), (len(theta), 1))
        references = np.broadcast_to(self.reference, means.shape)
        better = self.joint.value(means, theta) >= self.joint.value(references, theta)
        return np.where(better[:, None], means, references)


def defensive_normal(n: int, order: int, rng: np.random.Generator) -> Floats:
    """Draw standard normal vectors, a few of them wider: shape (n, order).

    The wide share takes over beyond about the 99.5 % quantile of the squared length, whatever the order, so
    that importance ratios are bounded where the posterior's tails are a little heavier than normal
    (defensive mixture: Hesterberg 1995, doi:10.1080/00401706.1995.10484303).
    """
    wide = rng.random(n) < _WIDE_SHARE
    return rng.normal(size=(n, order)) * np.where(wide, _wide_scale(order), 1.0)[:, None]


def _wide_scale(order: int) -> float:
    return 1 + 1 / float(np.sqrt(max(order, 1)))


def log_defensive(z: Floats) -> Floats:
    """Log-density of :func:`defensive_normal` at z, shape (..., order)."""
    order, squares = z.shape[-1], (z**2).sum(-1)
    scale = _wide_scale(order)
    narrow = np.log(1 - _WIDE_SHARE) - 0.5 * squares
    wide = np.log(_WIDE_SHARE) - 0.5 * squares / scale**2 - order * np.log(scale)
    return np.asarray(np.logaddexp(narrow, wide) - 0.5 * order * np.log(2 * np.pi))


def conditionals(source: Conditionals, theta: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Draw coefficients given sds.

    Parameters
    ----------
    source : Conditionals
    theta : array, shape (draw, sd)
    z : array, shape (draw, coefficient)
        From :func:`defensive_normal`.

    Returns
    -------
    x : array, shape (draw, coefficient)
    log_density : array, shape (draw,)
        Of x under the proposal.
    log_joint : array, shape (draw,)
        Exact.
    """
    if source.is_dense:
        parts = [
            _dense_draws(source, t, v)
            for t, v in zip(_batches(source, theta), _batches(source, z), strict=True)
        ]
        x, log_density, log_joint = (np.concatenate(p) for p in zip(*parts, strict=True))
        return x, log_density, log_joint
    x, log_density = np.empty_like(z), np.empty(len(z))
    for i, (t, v, start) in enumerate(zip(theta, z, source.starts(theta), strict=True)):
        mode = conditional_mode(source.joint, source.elimination, t, start)
        x[i] = mode.x + mode.factor.solve_upper(v)
        log_density[i] = mode.factor.half_log_det + log_defensive(v)
    return x, log_density, np.array([float(source.joint.value(a, t)) for a, t in zip(x, theta, strict=True)])


def _dense_draws(source: Conditionals, theta: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    joint = source.joint
    mode, upper, _, log_det, curvature = _modes(source, theta)
    own, shift = _skewness(joint, mode, upper, curvature)
    bend = np.clip(own / 3, -_BEND_LIMIT, _BEND_LIMIT)
    u = np.sinh(np.arcsinh(z) + bend)
    x = mode + np.einsum("sij,sj->si", upper, u + shift)
    log_jacobian = 0.5 * (np.log1p(u**2) - np.log1p(z**2)).sum(-1)
    return x, log_defensive(z) - log_jacobian + log_det, joint.value(x, theta)


def _modes(source: Conditionals, theta: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Mode, L^-T, log joint at the mode, sum of log L_ii, and likelihood curvature, for each theta."""
    joint = source.joint
    matrix = joint.matrix
    n = matrix.shape[1]
    x = source.starts(theta)
    value, (gradient, precision, curvature) = _derivatives(joint, x, theta)
    diagonal = np.arange(n)
    for _ in range(_NEWTON_STEPS):
        hessian = _gram(matrix, curvature)
        hessian[:, diagonal, diagonal] += precision
        try:
            lower = np.linalg.cholesky(hessian)
        except np.linalg.LinAlgError as error:
            raise GateError(
                f"the posterior has no proper conditional mode: {error}; give proper priors"
            ) from error
        upper = np.swapaxes(np.linalg.inv(lower), 1, 2)
        half = np.einsum("sji,sj->si", upper, gradient)
        decrement = (half**2).sum(-1)
        if decrement.max() < _CONVERGED:
            break
        step = np.einsum("sij,sj->si", upper, half) / (1 + np.sqrt(decrement) * (decrement > 1))[:, None]
        x = x + step
        value, (gradient, precision, curvature) = _derivatives(joint, x, theta)
    log_det = np.log(lower[:, diagonal, diagonal]).sum(-1)
    return x, upper, value, log_det, curvature


def _derivatives(joint: LogJoint, x: Floats, theta: Floats) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
    likelihood, gradient, curvature = joint.log_likelihood(x)
    prior, prior_gradient, precision, _ = joint.log_prior(x, theta)
    return likelihood + prior, (gradient + prior_gradient, np.maximum(precision, 0.0), curvature)


def _gram(matrix: Floats, weights: Floats) -> Floats:
    """``matrix' diag(w) matrix`` for every row w of ``weights``."""
    n = matrix.shape[1]
    rows, columns = np.tril_indices(n)
    gram = np.empty((len(weights), n, n))
    packed = weights @ (matrix[:, rows] * matrix[:, columns])
    gram[:, rows, columns] = packed
    gram[:, columns, rows] = packed
    return gram


def _skewness(joint: LogJoint, mode: Floats, upper: Floats, curvature: Floats) -> tuple[Floats, Floats]:
    """Third derivatives in whitened coordinates: along each axis, and the other axes' pull on the mean.

    With a_n = L^-1 d_n, ``T_iii = -sum_n k_n a_ni^3`` and the pull is half of ``sum_{j != i} T_ijj``, where
    ``k = n p (1 - p) (1 - 2 p)`` is the third derivative of the log-partition function.
    """
    eta = joint.eta(mode)
    third = -curvature * binomial.asymmetry(eta)  # a minus from the likelihood
    whitened = joint.matrix @ upper  # (draw, node, coefficient)
    squares = whitened**2
    own = np.einsum("sn,sni,sni->si", third, squares, whitened)
    total = np.einsum("sn,sn,sni->si", third, squares.sum(-1), whitened)
    return own, 0.5 * (total - own)


def _batches(source: Conditionals, rows: Floats) -> Iterator[Floats]:
    """Split rows so that a batch of (row, node, coefficient) arrays stays within memory."""
    n_nodes, n = source.joint.matrix.shape
    size: Any = max(1, _ENTRIES // (n_nodes * n))
    return (rows[start : start + size] for start in range(0, len(rows), size))
