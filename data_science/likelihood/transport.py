"""Transport coordinates: the posterior as a density in ``(theta, z)`` that NUTS samples without a ridge.

With ``H`` minus the Hessian of the log-likelihood at a reference point, ``Q(theta)`` the prior precision and
``P(theta) = H + Q(theta) = L L'``, the coefficients are ``x = P^-1 b + L^-T z``: the conditional Gaussian,
whitened. The density of ``(theta, z)`` is the exact log joint at ``x`` plus the log-determinant of
``dx/dz = L^-T``, so the posterior is exact whatever ``H`` and ``b`` are; they only make z nearly N(0, I) and
remove the ridge (intercept against group means) and the funnel (sds near zero) together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats
from data_science.likelihood.arrow import Arrow, ArrowFactor
from data_science.likelihood.log_joint import LogJoint


@dataclass(frozen=True, slots=True)
class Transport:
    """The map ``(theta, z) -> x`` and the density it carries."""

    joint: LogJoint
    hessian: Arrow  # H, minus the Hessian of the log-likelihood at the reference point
    linear: Floats  # b, shape (coefficient,)
    common_precision: Floats  # diagonal of Q at common coefficients, 0 at group effects

    def factor(self, theta: Floats) -> ArrowFactor:
        """Cholesky factor of ``P(theta)``."""
        return self.hessian.factor(self.common_precision + self.joint.spread(np.exp(-2 * theta)))

    def coefficients(self, theta: Floats, z: Floats) -> Floats:
        """``x = L^-T (L^-1 b + z)``."""
        factor = self.factor(theta)
        return factor.solve_upper(factor.solve_lower(self.linear) + z)

    def log_density(self, theta: Floats, z: Floats) -> tuple[float, Floats, Floats]:
        """Log density of ``(theta, z)`` and its gradients.

        With ``g`` the gradient of the log joint in x, ``u = L^-1 g``: the gradient in z is ``u``. For theta,
        ``dP = diag(dq)`` moves x through ``P^-1 b`` and through ``L``: with A = L^-1, a column ``a_c`` of it,
        and Phi the lower triangle with half the diagonal, ``dL = L Phi(A dP A')``, so

            g'dx = - sum_c dq_c [ (P^-1 g)_c (P^-1 b)_c + z' Phi(a_c a_c') u ],
            d log det L = 1/2 sum_c dq_c |a_c|^2.

        Parameters
        ----------
        theta : array, shape (sd,)
        z : array, shape (coefficient,)

        Returns
        -------
        value : float
        gradient_theta : array, shape (sd,)
        gradient_z : array, shape (coefficient,)
        """
        factor = self.factor(theta)
        y = factor.solve_lower(self.linear)
        x = factor.solve_upper(y + z)
        likelihood, likelihood_gradient, _ = self.joint.log_likelihood(x)
        prior, prior_gradient, _, theta_gradient = self.joint.log_prior(x, theta)
        u = factor.solve_lower(likelihood_gradient + prior_gradient)
        value = float(likelihood + prior) - factor.half_log_det
        if self.joint.n_sds == 0:
            return value, theta_gradient, u
        through_mean = factor.solve_upper(u) * factor.solve_upper(y)
        per_coefficient = through_mean + _through_factor(factor, z, u)
        d_precision = -2 * np.exp(-2 * theta)
        return value, theta_gradient - d_precision * self.joint.gather(per_coefficient), u


def _through_factor(factor: ArrowFactor, z: Floats, u: Floats) -> Floats:
    """``z' Phi(a_c a_c') u + |a_c|^2 / 2`` for every column ``a_c`` of ``L^-1``.

    ``z' Phi(a a') u = sum_i z_i a_i (sum_{j<i} a_j u_j + a_i u_i / 2)``: a running sum down each column.
    """
    head, rest = factor.order.head, factor.order.rest
    out = np.empty_like(z)
    inverse = factor.rest_inverse
    if head.size == 0:
        return _columns(inverse, z, u)[0]
    out[rest] = _columns(inverse, z[rest], u[rest])[0]
    own = np.empty(head.shape)
    carried = np.empty(head.shape)
    for column in range(head.shape[1]):
        block = np.ascontiguousarray(factor.head_inverse[:, :, column].T)  # (q, J): one column per level
        own[:, column], carried[:, column] = _columns(block, z[head].T, u[head].T)
    tail = factor.tail_columns().T  # (r, J q)
    below, _ = _columns(tail, z[rest], u[rest], carried.ravel())
    out[head] = own + below.reshape(head.shape)
    return out


def _columns(a: Floats, z: Floats, u: Floats, start: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Sum down the columns of ``a``, shape (row, column), carrying from ``start``; also where that ends."""
    z, u = (v if v.ndim == 2 else v[:, None] for v in (z, u))
    products = a * u
    running = np.cumsum(products, axis=0)
    value = (a * (z * (start + running - 0.5 * products) + 0.5 * a)).sum(axis=0)
    return value, start + products.sum(axis=0)
