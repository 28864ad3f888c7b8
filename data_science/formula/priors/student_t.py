"""Student t and Cauchy, and their positive halves."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

from data_science.formula.priors.family import LOCATION, SCALE, SHAPE, Canonical, Family, LogDensity


def student_t(x: Any, norm: Any, nu: Any, mu: Any, sigma: Any) -> LogDensity:
    """Evaluate a Student t; a Cauchy with nu 1."""
    u = (x - mu) / sigma
    tail = nu + u * u
    return LogDensity(
        norm - (nu + 1) / 2 * np.log1p(u * u / nu),
        -(nu + 1) * u / tail / sigma,
        -(nu + 1) * (nu - u * u) / (tail * tail) / (sigma * sigma),
    )


def _canonical(nu: float, mu: float, sigma: float) -> Canonical:
    norm = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - np.log(sigma)
    return Canonical(norm, (nu, mu, sigma))


def _draw(n: int, rng: np.random.Generator, nu: float, mu: float, sigma: float) -> Any:
    from scipy import stats  # takes a moment, and only drawing needs it

    return stats.t(nu, mu, sigma).rvs(n, random_state=rng)


def _draw_cauchy(n: int, rng: np.random.Generator, alpha: float, beta: float) -> Any:
    from scipy import stats

    return stats.cauchy(alpha, beta).rvs(n, random_state=rng)


def _draw_half_cauchy(n: int, rng: np.random.Generator, beta: float) -> Any:
    from scipy import stats

    return stats.halfcauchy(scale=beta).rvs(n, random_state=rng)


STUDENT_T = Family("common", {"nu": SHAPE, "mu": LOCATION, "sigma": SCALE}, student_t, _canonical, _draw)
CAUCHY = Family(
    "common",
    {"alpha": LOCATION, "beta": SCALE},
    student_t,
    lambda alpha, beta: _canonical(1.0, alpha, beta),
    _draw_cauchy,
)
HALF_STUDENT_T = Family(
    "group_sd",
    {"nu": SHAPE, "sigma": SCALE},
    student_t,
    lambda nu, sigma: _canonical(nu, 0.0, sigma).half(),
    lambda n, rng, nu, sigma: np.abs(_draw(n, rng, nu, 0, sigma)),
)
HALF_CAUCHY = Family(
    "group_sd", {"beta": SCALE}, student_t, lambda beta: _canonical(1.0, 0.0, beta).half(), _draw_half_cauchy
)
