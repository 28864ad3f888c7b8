"""Coefficients given the group sds: bent Gaussian draws, thousands at a time, interpolated between knots.

The Gaussian at the mode is bent along each whitened axis by ``u = sinh(asinh(z) + c/3)`` (Jones and Pewsey
2009, doi:10.1093/biomet/asp053) with c the third derivative there, which matches the posterior's skewness to
first order and is monotone, so the proposal's density stays exact; the other axes' pull on the mean is added.
Given log sds, ``P = H + Q`` and ``x = P^-1 b + L^-T u``, with H, b, bend and pull linear between knots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats
from data_science.engines.defensive import log_defensive
from data_science.engines.knots import Knot
from data_science.engines.triangles import log_det, solved_lower, solved_upper
from data_science.errors import GateError
from data_science.likelihood.log_joint import LogJoint

_ENTRIES = 1_000_000  # floats held at a time in one batch
#: Group sds up to which the Hessian follows them; with more, that at the centre serves all.
_FOLLOWED = 3


@dataclass(frozen=True, slots=True)
class Conditional:
    """The proposal of the coefficients, for any log sds."""

    joint: LogJoint
    centre: Knot
    axes: list[list[Knot]]  # knots along each log sd, ascending
    parts: list[Floats]  # (1 + knot, size) each: the value at the centre, and what each knot adds to it

    @classmethod
    def between(cls, joint: LogJoint, centre: Knot, axes: list[list[Knot]]) -> Conditional:
        """Interpolate between given knots."""
        knots = [centre, *(knot for axis in axes for knot in axis)]
        followed = len(axes) <= _FOLLOWED

        def linear(knot: Knot) -> Floats:
            """``b``, such that the mean at the knot is its mode, whichever Hessian serves."""
            found, x = knot.transport.linear, knot.mode.x
            if followed or knot is centre:
                return found
            own, shared = knot.transport.hessian, centre.transport.hessian
            return found + shared.multiply(x) - own.multiply(x)

        def changes(of: Callable[[Knot], Floats]) -> Floats:
            stacked = np.stack([of(knot).ravel() for knot in knots])
            stacked[1:] -= stacked[0]
            return stacked if stacked[1:].any() else stacked[:1]

        parts = [
            changes(of)
            for of in (
                lambda knot: knot.transport.hessian.a,
                lambda knot: knot.transport.hessian.b,
                lambda knot: knot.transport.hessian.c,
                linear,
                lambda knot: knot.transport.common_precision,
                lambda knot: knot.bend,
                lambda knot: knot.shift,
            )
        ]
        if not followed:
            parts[:3] = [part[:1] for part in parts[:3]]
        if not all(knot.bend.any() for knot in knots):  # worked out at the centre only
            parts[5:] = [part[:1] for part in parts[5:]]
        return cls(joint, centre, axes, parts)

    def draw(self, theta: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Draw coefficients given log sds.

        Parameters
        ----------
        theta : array, shape (draw, sd)
        z : array, shape (draw, coefficient)
            From :func:`data_science.engines.defensive.defensive_normal`.

        Returns
        -------
        x : array, shape (draw, coefficient)
        log_density : array, shape (draw,)
            Of x under the proposal.

        Raises
        ------
        GateError
            If the precision is not positive definite somewhere.
        """
        x, log_density = np.empty_like(z), np.empty(len(z))
        size = max(1, _ENTRIES // sum(part.shape[1] for part in self.parts))
        try:
            for start in range(0, len(z), size):
                some = slice(start, start + size)
                x[some], log_density[some] = self._batch(theta[some], z[some])
        except np.linalg.LinAlgError as error:
            raise GateError(
                f"the posterior has no proper conditional mode: {error}; give proper priors"
            ) from error
        return x, log_density

    def _batch(self, theta: Floats, z: Floats) -> tuple[Floats, Floats]:
        share = self._shares(theta)
        linear, common, bend, shift = (share[:, : len(part)] @ part for part in self.parts[3:])
        u = np.sinh(np.arcsinh(z) + bend)
        log_jacobian = 0.5 * (np.log1p(u**2) - np.log1p(z**2)).sum(-1)
        if not self.axes:  # one Gaussian for all draws
            factor = self.centre.mode.factor
            mean = factor.solve(linear[0])
            x = mean + factor.solve_upper_many(u + shift)
            return x, log_defensive(z) - log_jacobian + factor.half_log_det
        diagonal = common + self.joint.spread(np.exp(-2 * theta))
        a, b, c = (share[:, : len(part)] @ part for part in self.parts[:3])
        x, half_log_det = self._solved(a, b, c, diagonal, linear, u + shift)
        return x, log_defensive(z) - log_jacobian + half_log_det

    def _solved(
        self, a: Floats, b: Floats, c: Floats, diagonal: Floats, linear: Floats, u: Floats
    ) -> tuple[Floats, Floats]:
        """``P^-1 b + L^-T u`` and the sum of ``log L_ii``, the largest factor eliminated first."""
        order, n = self.centre.transport.hessian.order, len(u)
        rest, (levels, q) = order.rest, order.head.shape
        r = len(rest)
        c = c.reshape(n, r, r)
        c[:, np.arange(r), np.arange(r)] += diagonal[:, rest]
        x, pull = np.empty_like(u), linear[:, rest]
        half_log_det = np.zeros(n)
        if levels:
            a = a.reshape(n, levels, q, q)
            a[:, :, np.arange(q), np.arange(q)] += diagonal[:, order.head]
            lower = np.linalg.cholesky(a)
            inverse = np.linalg.inv(lower) if q > 1 else 1 / lower
            half_log_det = log_det(lower).sum(-1)
            top = (inverse @ linear[:, order.head][..., None])[..., 0].reshape(n, -1)
            border = (inverse @ b.reshape(n, levels, q, r)).reshape(n, levels * q, r)
            c -= border.swapaxes(1, 2) @ border
            pull = pull - (top[:, None] @ border)[:, 0]
        lower = np.linalg.cholesky(c)
        x[:, rest] = bottom = solved_upper(lower, solved_lower(lower, pull) + u[:, rest])
        half_log_det = half_log_det + log_det(lower)
        if levels:
            left = top + u[:, order.head].reshape(n, -1) - (border @ bottom[..., None])[..., 0]
            x[:, order.head] = (inverse.swapaxes(2, 3) @ left.reshape(n, levels, q, 1))[..., 0]
        return x, half_log_det

    def _shares(self, theta: Floats) -> Floats:
        """Weights of the centre, which is 1, and of every knot, shape (draw, 1 + knot)."""
        shares = [np.ones((len(theta), 1))]
        for k, axis in enumerate(self.axes):
            at = np.array([knot.theta[k] for knot in axis])
            shares.append(hats(at, theta[:, k]))
        if 1 < len(self.axes) <= _FOLLOWED:
            # Changes along several axes are added only as far as the sum is a mean of knots: it is positive
            # definite, as they are.
            pairs = zip(shares[1:], self.axes, strict=True)
            away = np.sum([1 - share[:, axis.index(self.centre)] for share, axis in pairs], axis=0)
            shares[1:] = [share / np.maximum(away, 1.0)[:, None] for share in shares[1:]]
        return np.concatenate(shares, axis=1)


def hats(at: Floats, values: Floats) -> Floats:
    """Weights of linear interpolation between ascending points, constant beyond: shape (value, point)."""
    share = np.zeros((len(values), len(at)))
    if len(at) == 1:
        return share + 1.0
    inside = np.clip(values, at[0], at[-1])
    right = np.clip(np.searchsorted(at, inside), 1, len(at) - 1)
    weight = (inside - at[right - 1]) / (at[right] - at[right - 1])
    rows = np.arange(len(values))
    share[rows, right - 1], share[rows, right] = 1 - weight, weight
    return share
