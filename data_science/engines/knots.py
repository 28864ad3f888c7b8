"""Conditional modes at a few values of each log sd, between which a proposal is interpolated.

A search for a mode at every draw would cost a hundred times as much, and the weights stay exact whatever was
interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats
from data_science.errors import GateError
from data_science.likelihood import binomial
from data_science.likelihood.arrow import Elimination
from data_science.likelihood.laplace import Mode, conditional_mode, transport_at
from data_science.likelihood.log_joint import LogJoint
from data_science.likelihood.transport import Transport

_REACH = (-8.0, 4.5)  # log sds looked at, in standard coordinates; beyond, the tails carry on
_NEGLIGIBLE_NATS = 25.0  # nats below the peak where the density no longer matters
_STRIDE, _GROWTH, _MOST = 0.8, 1.25, 40  # first step in sds, growth of later ones, most steps on a side
_PROBED = 0.3  # log sds from the centre at which the curvature is read off
_SPREAD = (0.05, 1.0)  # of a log sd, as the curvature may give it
_BEND_LIMIT = 1.5
#: Coefficients up to which the skewness is worked out at each knot; beyond, at the centre for all.
BENT_EVERYWHERE = 120


@dataclass(frozen=True, slots=True, eq=False)  # one knot is another only if it is the same
class Knot:
    """What a proposal needs to know at given log sds."""

    mode: Mode
    transport: Transport
    bend: Floats  # third derivative along each whitened axis, in thirds
    shift: Floats  # of the mean along each whitened axis, by the others' third derivatives

    @property
    def theta(self) -> Floats:
        """Log sds."""
        return self.mode.theta

    @property
    def log_marginal(self) -> float:
        """Laplace's ``log p(theta, y)``, up to a constant."""
        return self.mode.log_marginal


@dataclass(frozen=True, slots=True)
class Searcher:
    """Where knots are found."""

    joint: LogJoint
    elimination: Elimination

    def at(self, theta: Floats, start: Floats, *, skewed: bool = True) -> Knot:
        """Search the mode at given log sds."""
        mode = conditional_mode(self.joint, self.elimination, theta, start)
        bend, shift = np.zeros_like(mode.x), np.zeros_like(mode.x)
        if skewed:
            own, shift = skewness(self.joint, mode)
            bend = np.clip(own / 3, -_BEND_LIMIT, _BEND_LIMIT)
        return Knot(mode, transport_at(self.joint, mode), bend, shift)

    def along(self, centre: Knot, k: int) -> list[Knot]:
        """Knots along one log sd, ascending, ever farther apart, until the density is nil on either side.

        Raises
        ------
        GateError
            If there is no mode next to the centre.
        """
        found, spread = [centre], self._spread(centre, k)
        skewed = len(centre.bend) <= BENT_EVERYWHERE
        for way in (-1.0, 1.0):
            last, step = centre, way * _STRIDE * spread
            for _ in range(_MOST):
                theta = last.theta.copy()
                theta[k] = np.clip(theta[k] + step, *_REACH)
                try:
                    last = self.at(theta, last.mode.x, skewed=skewed)
                except GateError:
                    if last is centre:
                        raise
                    break  # the tail carries on, and the weights judge it
                found.append(last)
                peak = max(knot.log_marginal for knot in found)
                if last.log_marginal < peak - _NEGLIGIBLE_NATS or not _REACH[0] < theta[k] < _REACH[1]:
                    break
                step *= _GROWTH
        return sorted(found, key=lambda knot: float(knot.theta[k]))

    def _spread(self, centre: Knot, k: int) -> float:
        """Read a standard deviation off the curvature at the centre."""
        beside = []
        for way in (-_PROBED, _PROBED):
            theta = centre.theta.copy()
            theta[k] += way
            beside.append(conditional_mode(self.joint, self.elimination, theta, centre.mode.x).log_marginal)
        curvature = (2 * centre.log_marginal - sum(beside)) / _PROBED**2
        return float(np.clip(1 / np.sqrt(max(curvature, 1e-12)), *_SPREAD))


def skewness(joint: LogJoint, mode: Mode) -> tuple[Floats, Floats]:
    """Third derivatives in whitened coordinates: along each axis, and the other axes' pull on the mean.

    With a_n = L^-1 d_n, ``T_iii = -sum_n k_n a_ni^3`` and the pull is half of ``sum_{j != i} T_ijj``, where
    ``k`` is the third derivative of the log-partition function.
    """
    columns = np.stack([mode.factor.solve_upper(axis) for axis in np.eye(len(mode.x))], axis=1)  # L^-T
    eta = joint.eta(mode.x)
    p = binomial.probability(eta)
    third = -binomial.variance(joint.weights * p, p) * binomial.asymmetry(eta)  # a minus from the likelihood
    whitened = np.asarray(joint.matrix @ columns)
    squares = whitened**2
    own = np.einsum("n,ni,ni->i", third, squares, whitened)
    total = (third * squares.sum(axis=1)) @ whitened
    return own, 0.5 * (total - own)
