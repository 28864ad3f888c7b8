"""Inverse gamma."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

from data_science.formula.priors.family import SCALE, SHAPE, Canonical, Family, LogDensity


def inverse_gamma(x: Any, norm: Any, alpha: Any, beta: Any, _: Any) -> LogDensity:
    """Evaluate an inverse gamma."""
    return LogDensity(
        norm - (alpha + 1) * np.log(x) - beta / x,
        -(alpha + 1) / x + beta / (x * x),
        (alpha + 1) / (x * x) - 2 * beta / (x * x * x),
    )


def _canonical(alpha: float, beta: float) -> Canonical:
    return Canonical(alpha * np.log(beta) - gammaln(alpha), (alpha, beta, 0.0))


def _draw(n: int, rng: np.random.Generator, alpha: float, beta: float) -> Any:
    from scipy import stats  # takes a moment, and only drawing needs it

    return stats.invgamma(alpha, scale=beta).rvs(n, random_state=rng)


INVERSE_GAMMA = Family("group_sd", {"alpha": SHAPE, "beta": SCALE}, inverse_gamma, _canonical, _draw)
