"""Leaving out one observation at a time without importance ratios over the levels.

From ``1 / p(y_i | others) = E[1 / p(y_i | eta_i)]`` over the posterior, and ``1 / p = 1 + exp(-+eta)`` for
one trial, with M+- = E[exp(+-u) | v, theta] of the row's level, which its integral knows:

    -log p(success | others) = log(1 + E[exp(-R_i v) M-]),    of a failure: log(1 + E[exp(R_i v) M+])

so that only the few parameters that are left are averaged over.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data_science.arrays import Floats
from data_science.formula.encoding import Encoding
from data_science.formula.places import Places
from data_science.formula.rows import Observations
from data_science.likelihood import binomial
from data_science.likelihood.collapse.density import Collapsed
from data_science.likelihood.linear_predictor import linear_predictor
from data_science.likelihood.log_joint import Coordinates


@dataclass(frozen=True)
class LeftOut:
    """Equally weighted draws of what is left, at which levels' odds are averaged when first asked for."""

    density: Collapsed
    at: Coordinates
    v: Floats  # (draw, r)
    theta: Floats  # (draw, sd)
    modes: Floats  # (level,)

    @cached_property
    def odds(self) -> Floats:
        """``E[exp(-u)]`` and ``E[exp(u)]`` of every level at every draw, shape (level, draw, 2)."""
        return self.density.odds(self.v, self.theta, self.modes)

    @cached_property
    def _raw(self) -> Floats:
        """The draws per unit of the raw columns, levels at zero, shape (coefficient, draw)."""
        plan = self.density.plan
        x = np.zeros((len(self.v), len(plan.left) + len(plan.levels)))
        x[:, plan.left] = self.v
        return np.ascontiguousarray(self.at.to_raw(x).T)

    def elpd(self, encoding: Encoding, rows: Observations) -> Floats:
        """Log predictive density of every row, of one trial, with the row itself left out of the fit."""
        plan = self.density.plan
        eta = linear_predictor(encoding, rows, self._raw)
        success = rows.successes.astype(np.intp)
        odds = self.odds[Places.of(plan.term).rows(rows.codes, len(rows)), :, 1 - success]
        against = np.exp(np.where(success == 1, -1.0, 1.0)[:, None] * eta) * odds
        return binomial.log_probability_against(against.mean(axis=1))
