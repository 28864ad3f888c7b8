"""The posterior with one factor of many levels integrated out, from a few dozen points and no draw of them.

What is left is then so nearly normal that a polynomial through the log density at a few points knows it
everywhere; so are, of each level, the conditional mean and sd. The polynomial says itself how far it can be
trusted: by its errors at points that it does not go through. Where these are not small, nothing is returned,
and `engines.collapsed` draws by importance sampling.

1. The mode of all that is left, the log sd included, and the curvature there.
2. The exact log density, and every level's moments, at quasi-random points around the mode.
3. Weights of many more proposals from the polynomial; resampling makes draws of them.
4. Levels are drawn from their exact conditional densities at the mode, moved and stretched to the conditional
   mean and sd at each draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from data_science.arrays import Floats, Singles
from data_science.engines.defensive import defensive_normal, log_defensive
from data_science.engines.importance import CertificateError, ImportanceCertificate, certify
from data_science.engines.posterior import Levels
from data_science.likelihood.collapse.density import Collapsed, Points
from data_science.likelihood.collapse.joint import Joint, joint_mode
from data_science.likelihood.collapse.nodes import REACH, STEP
from data_science.likelihood.collapse.polynomial import Regression, monomials, n_terms
from data_science.limits import KHAT_MAX

FROM_LEVELS = 300  # below, importance sampling costs as little, and needs no polynomial
_MOST_POINTS = 256
_POINTS_A_TERM = 1.5
_SPREAD = 1.2  # sds of the points, beyond whose reach a polynomial knows least
_PROPOSALS = 4_096
EFFICIENCY = 0.5  # asked of the weights
ERROR_NATS = 0.02  # rms of the polynomial's errors; no posterior mean is off by more, in posterior sds
_LEVEL_ERROR = 0.03  # of a conditional mean, in sds, or of an sd, relative: rms over points, worst level
_CHECKED = 4  # points at which integration is repeated more finely
_INTEGRATION_NATS = 0.01
_BLOCK = 200_000  # draws of levels made at once: they stay in the cache


@dataclass(frozen=True, slots=True)
class Concentrated:
    """The posterior as a polynomial knows it."""

    density: Collapsed
    joint: Joint
    modes: Floats  # (level,)
    z: Floats  # (point, r + 1), whitened
    log_weights: Floats  # (point,), of the exact density against the standard normal
    moments: Singles  # (level, point, 4)
    degree: int

    @classmethod
    def of(cls, density: Collapsed, rng: np.random.Generator) -> Concentrated:
        """Evaluate the density.

        Raises
        ------
        CertificateError
            If this is no problem for polynomials, or the integrals cannot be relied on.
        GateError
            If there is no mode.
        """
        n, n_levels = density.plan.n_left + 1, len(density.plan.levels)
        needed = [2 ** ceil(np.log2(_POINTS_A_TERM * n_terms(n, degree))) for degree in (2, 3)]
        if density.n_sds > 1 or n_levels < FROM_LEVELS or needed[0] > _MOST_POINTS:
            raise _refusal(0, f"{density.n_sds} sds, {n_levels} levels and {n} parameters left")
        modes = np.zeros(n_levels)
        joint = joint_mode(density, modes)
        uniform = qmc.Sobol(n, rng=rng).random(needed[1])
        z = _SPREAD * ndtri(np.clip(uniform, 1e-12, 1 - 1e-12))
        some = z[: needed[0]]
        found = density.at(*_placed(joint, some), modes, rng, moments=True)
        _require_integrated(density, joint, modes, z, found, rng)
        first = cls(density, joint, modes, some, _log_weights(some, found), found.moments, 2)
        if first.error < ERROR_NATS or needed[1] > _MOST_POINTS:
            return first
        rest = z[needed[0] :]
        more = density.at(*_placed(joint, rest), modes, rng, moments=True)
        if more.lost:
            raise _refusal(len(z), f"{more.lost} integrals over {density.plan.term.name} are lost")
        log_weights = np.concatenate([first.log_weights, _log_weights(rest, more)])
        moments = np.concatenate([found.moments, more.moments], axis=1)
        return cls(density, joint, modes, z, log_weights, moments, 3)

    @property
    def error(self) -> float:
        """Errors of the polynomial at points that it does not go through, in nats, rms."""
        left_out = Regression.at(self.z, self.degree).left_out(self.log_weights)
        return float(np.sqrt((left_out**2).mean()))

    def require(self) -> None:
        """Refuse to go on if an error is not small.

        Raises
        ------
        CertificateError
            If the polynomial's is not, or that of a level's conditional mean or sd.
        """
        if not self.error < ERROR_NATS:
            reason = f"a polynomial is off by {self.error:.2g} nats, expected {ERROR_NATS:g}"
            raise _refusal(len(self.z), reason)
        quadratic, sds = Regression.at(self.z, 2), np.sqrt(self.moments[..., 3])
        scale = sds.mean(axis=1, keepdims=True)
        for values in (self.moments[..., 2], sds):
            errors: Floats = quadratic.left_out(values) / scale
            off = float(np.sqrt((errors**2).mean(axis=1)).max())
            if not off < _LEVEL_ERROR:
                raise _refusal(len(self.z), f"a level is off by {off:.2g} sds, expected {_LEVEL_ERROR:g}")

    def proposals(
        self, rng: np.random.Generator, n_kept: int = 0
    ) -> tuple[Floats, Floats, ImportanceCertificate]:
        """Draw more whitened points than are kept, their weights, and what these say of themselves."""
        n = max(_PROPOSALS, ceil(1.1 * n_kept))
        z = defensive_normal(n, self.z.shape[1], rng)
        values = self.log_weights - self.log_weights.mean()
        polynomial = Regression.at(self.z, self.degree).value(values, z)
        log_weights = polynomial - 0.5 * (z**2).sum(1) - log_defensive(z)
        weights, certificate = certify(log_weights)
        certificate.require(KHAT_MAX, n * EFFICIENCY)
        return z, weights, certificate

    def levels(self, z: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Weights of the points for means over the posterior, and every level's mean and sd by them."""
        own = Regression.at(self.z, self.degree).weights(z, weights)
        mean = self.moments[..., 2] @ own
        square = (self.moments[..., 3] + (self.moments[..., 2] - mean[:, None]) ** 2) @ own
        return own, mean, np.sqrt(square)

    def placed(self, z: Floats) -> tuple[Floats, Floats]:
        """``v`` and ``theta`` at whitened points."""
        return _placed(self.joint, z)

    def draw_levels(
        self, z: Floats, mean: Floats, sd: Floats, drawn: Floats, rng: np.random.Generator
    ) -> Levels:
        """Draw every level at each of ``z``, into ``drawn``, shape (point, level); return what is exact."""
        n, regression, terms = len(z), Regression.at(self.z, 2), monomials(z, 2).T
        (v,), (theta,) = self.placed(np.zeros((1, z.shape[1])))
        quantiles, step = np.empty((len(mean), 3)), max(1, _BLOCK // n)
        for start in range(0, len(mean), step):
            some = slice(start, min(start + step, len(mean)))
            own, shape, at_mode = self.density.drawn(v, theta, self.modes, n, some, rng)
            middle, spread = at_mode[:, 2, None], np.sqrt(at_mode[:, 3, None])
            quantiles[some] = mean[some, None] + (shape - middle) * (sd[some, None] / spread)
            own -= middle
            own *= regression.coefficients(np.sqrt(self.moments[some, :, 3]) / spread) @ terms
            own += regression.coefficients(self.moments[some, :, 2]) @ terms
            drawn[:, some] = own.T
        return Levels(self.density.plan.levels, mean, sd, quantiles)


def _log_weights(z: Floats, found: Points) -> Floats:
    """Against the standard normal, up to a constant."""
    return found.log_density + 0.5 * (z**2).sum(1)


def _placed(joint: Joint, z: Floats) -> tuple[Floats, Floats]:
    at = joint.mode + z @ joint.root.T
    return np.ascontiguousarray(at[:, :-1]), np.ascontiguousarray(at[:, -1:])


def _require_integrated(
    density: Collapsed, joint: Joint, modes: Floats, z: Floats, found: Points, rng: np.random.Generator
) -> None:
    """Repeat a few integrals on a finer and wider grid: differences between points must not change."""
    v, theta = _placed(joint, z[:_CHECKED])
    fine = density.at(v, theta, modes, rng, step=STEP / 2, reach=REACH + 2)
    change = float(np.ptp(found.log_density[:_CHECKED] - fine.log_density))
    if found.lost or fine.lost or not change < _INTEGRATION_NATS:
        raise _refusal(
            _CHECKED,
            f"integrals over {density.plan.term.name} changed by {change:.2g} nats on a finer grid, expected "
            f"below {_INTEGRATION_NATS:g}",
        )


def _refusal(n_points: int, reason: str) -> CertificateError:
    return CertificateError(ImportanceCertificate(np.nan, np.nan, n_points), reason)
