"""Gamma and exponential."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

from data_science.formula.priors.family import RATE, SHAPE, Canonical, Family, LogDensity


def gamma(x: Any, norm: Any, alpha: Any, beta: Any, _: Any) -> LogDensity:
    """Evaluate a gamma; an exponential with alpha 1."""
    return LogDensity(
        norm + (alpha - 1) * np.log(x) - beta * x, (alpha - 1) / x - beta, -(alpha - 1) / (x * x)
    )


def _canonical(alpha: float, beta: float) -> Canonical:
    return Canonical(alpha * np.log(beta) - gammaln(alpha), (alpha, beta, 0.0))


def _draw(n: int, rng: np.random.Generator, alpha: float, beta: float) -> Any:
    from scipy import stats  # takes a moment, and only drawing needs it

    return stats.gamma(alpha, scale=1 / beta).rvs(n, random_state=rng)


def _draw_exponential(n: int, rng: np.random.Generator, lam: float) -> Any:
    from scipy import stats

    return stats.expon(scale=1 / lam).rvs(n, random_state=rng)


GAMMA = Family("group_sd", {"alpha": SHAPE, "beta": RATE}, gamma, _canonical, _draw)
EXPONENTIAL = Family("group_sd", {"lam": RATE}, gamma, lambda lam: _canonical(1.0, lam), _draw_exponential)
