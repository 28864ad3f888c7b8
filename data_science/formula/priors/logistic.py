"""Logistic."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_science.formula.priors.family import LOCATION, SCALE, Canonical, Family, LogDensity


def logistic(x: Any, norm: Any, mu: Any, s: Any, _: Any) -> LogDensity:
    """Evaluate a logistic."""
    u = (x - mu) / s
    tanh = np.tanh(u / 2)
    # log sech^2(u/2) by |u|, so that nothing overflows
    value = norm - np.abs(u) - 2 * np.log1p(np.exp(-np.abs(u)))
    return LogDensity(value, -tanh / s, -(1 - tanh * tanh) / 2 / (s * s))


def _canonical(mu: float, s: float) -> Canonical:
    return Canonical(-np.log(s), (mu, s, 0.0))


def _draw(n: int, rng: np.random.Generator, mu: float, s: float) -> Any:
    from scipy import stats  # takes a moment, and only drawing needs it

    return stats.logistic(mu, s).rvs(n, random_state=rng)


LOGISTIC = Family("common", {"mu": LOCATION, "s": SCALE}, logistic, _canonical, _draw)
