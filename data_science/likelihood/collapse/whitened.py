"""What is left after collapsing, in coordinates in which its posterior is nearly standard normal.

With t and z the new coordinates, ``theta = mode + s t`` and ``v = mode + slope (theta - mode) + L^-T z``: an
affine map, so its Jacobian is constant. It serves one factor; the effects of a second one, whose sd may be
small, would need a map that follows that sd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats
from data_science.likelihood.collapse.density import Collapsed
from data_science.likelihood.collapse.laplace import marginal_mode


@dataclass(frozen=True, slots=True)
class Whitened:
    """The collapsed density, whitened at its mode."""

    density: Collapsed
    theta: Floats  # (sd,), at the mode
    v: Floats  # (r,), likewise
    scale: Floats  # (sd,)
    slope: Floats  # (r,), of the mode of v along theta
    root: Floats  # (r, r), L^-T
    modes: Floats  # (level,), at the mode; where each evaluation starts

    @classmethod
    def of(cls, density: Collapsed) -> Whitened:
        """Whiten at the mode of the Laplace marginal.

        Raises
        ------
        GateError
            If there is no proper mode.
        """
        modes = np.zeros(len(density.plan.levels))
        centre, curvature = marginal_mode(density, modes)
        root = np.linalg.inv(centre.lower).T
        slope = root @ (root.T @ centre.slope.cross)
        return cls(density, centre.theta, centre.v, 1 / np.sqrt(curvature), slope, root, modes)

    def left(self, t: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Return theta and v, for arrays of shape (..., sd) and (..., r)."""
        theta = self.theta + self.scale * t
        return theta, self.v + (theta - self.theta) * self.slope + z @ self.root.T

    def log_density(self, t: Floats, z: Floats) -> tuple[float, Floats, Floats]:
        """Value and gradient; minus infinity where the integrals fail, which the sampler rejects."""
        theta, v = self.left(t, z)
        modes = self.modes.copy()
        found = self.density.slope(v, theta, modes)
        if not np.isfinite(found.value):
            return -np.inf, 0 * t, 0 * z
        gradient = self.scale * (found.first + self.slope @ found.gradient)
        return found.value, gradient, self.root.T @ found.gradient
