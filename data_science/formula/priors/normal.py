"""Normal and half-normal."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_science.formula.priors.family import LOCATION, SCALE, Canonical, Family, LogDensity


def normal(x: Any, norm: Any, mu: Any, sigma: Any, _: Any) -> LogDensity:
    """Evaluate a normal; a half-normal with mu 0 and twice the constant."""
    u = (x - mu) / sigma
    return LogDensity(norm - 0.5 * u * u, -u / sigma, -1 / (sigma * sigma) + 0 * x)


def _canonical(mu: float, sigma: float) -> Canonical:
    return Canonical(-np.log(sigma) - 0.5 * np.log(2 * np.pi), (mu, sigma, 0.0))


def _draw(n: int, rng: np.random.Generator, mu: float, sigma: float) -> Any:
    from scipy import stats  # takes a moment, and only drawing needs it

    return stats.norm(mu, sigma).rvs(n, random_state=rng)


def _draw_half(n: int, rng: np.random.Generator, sigma: float) -> Any:
    from scipy import stats

    return stats.halfnorm(scale=sigma).rvs(n, random_state=rng)


NORMAL = Family("common", {"mu": LOCATION, "sigma": SCALE}, normal, _canonical, _draw)
HALF_NORMAL = Family(
    "group_sd", {"sigma": SCALE}, normal, lambda sigma: _canonical(0.0, sigma).half(), _draw_half
)
