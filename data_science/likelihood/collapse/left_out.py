"""Leaving out one observation at a time without importance ratios over the levels.

From ``1 / p(y_i | others) = E[1 / p(y_i | eta_i)]`` over the posterior, and ``1 / p = 1 + exp(-+eta)`` for
one trial, with M+- = E[exp(+-u) | v, theta] of the row's level, which its integral knows:

    -log p(success | others) = log(1 + E[exp(-R_i v) M-]),    of a failure: log(1 + E[exp(R_i v) M+])

so that only the few parameters that are left are averaged over. What the row's own influence had added needs
no such care: it is taken from a normal linear predictor with the same mean and variance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from data_science.arrays import Floats, Ints, Singles
from data_science.formula.encoding import Encoding
from data_science.formula.places import Places
from data_science.formula.rows import Observations
from data_science.likelihood import binomial
from data_science.likelihood.collapse.density import Collapsed
from data_science.likelihood.collapse.nodes import FAST, exponential
from data_science.likelihood.compiled.stamp import compiled
from data_science.likelihood.linear_predictor import linear_predictor
from data_science.likelihood.log_joint import Coordinates

_NODES = 7  # of the normal linear predictor


@dataclass(frozen=True)
class LeftOut:
    """Weighted points of what is left, at which levels' odds are averaged when first asked for."""

    density: Collapsed
    at: Coordinates
    v: Floats  # (point, r)
    theta: Floats  # (point, sd)
    modes: Floats  # (level,)
    weights: Floats | None = None  # (point,), which sum to one; None: equal
    known: Singles | None = None  # (level, point, 4), the moments there, if they have been computed

    @cached_property
    def moments(self) -> Singles:
        """Means of ``exp(-u)``, ``exp(u)`` and u, and u's variance, of every level at every point."""
        if self.known is not None:
            return self.known
        rng = np.random.default_rng(0)  # of draws that are not made
        return self.density.at(self.v, self.theta, self.modes, rng, moments=True).moments

    @cached_property
    def _raw(self) -> Floats:
        """What is left per unit of the raw columns, in the encoding's order, shape (coefficient, point)."""
        left = self.density.plan.left
        return np.ascontiguousarray(self.at.of_columns(left).to_raw(self.v)[:, np.argsort(left)].T)

    def scores(self, encoding: Encoding, rows: Observations) -> Floats:
        """Of every row, of one trial, as :func:`data_science.evaluation.loo.measure` asks for them.

        Returns
        -------
        array, shape (3, row)
            Log predictive density by the fit, and with the row itself left out of it; and the posterior
            variance of the row's log-likelihood.
        """
        plan, n_points = self.density.plan, len(self.v)
        rest = replace(encoding, terms=tuple(term for term in encoding.terms if term.name != plan.term.name))
        eta = _predictor(rest, rows, self._raw)
        level = np.ascontiguousarray(Places.of(plan.term).rows(rows.codes, len(rows)))
        weights = np.full(n_points, 1 / n_points) if self.weights is None else self.weights
        found = np.empty((3, len(rows)))
        _average(eta, level, self.moments, weights, rows.successes, found)
        against, mean, variance = found
        nodes, shares = np.polynomial.hermite_e.hermegauss(_NODES)
        spread = mean[:, None] + np.sqrt(np.maximum(variance, 0.0))[:, None] * nodes
        values = binomial.log_probability_of_one(rows.successes, spread)
        shares = shares / shares.sum()
        average = values @ shares
        by_fit = np.log(np.exp(values - average[:, None]) @ shares) + average
        left_out = binomial.log_probability_against(np.maximum(against, 0.0))  # weights may be negative
        return np.stack([by_fit, left_out, ((values - average[:, None]) ** 2) @ shares])


def _predictor(encoding: Encoding, rows: Observations, coefficients: Floats) -> Floats:
    """Evaluate at every point; by the design's columns where they are fewer than the points."""
    n, n_points = coefficients.shape
    if n >= n_points:
        return linear_predictor(encoding, rows, coefficients)
    columns = linear_predictor(replace(encoding, offsets=()), rows, np.eye(n))
    eta = columns @ coefficients
    offset = encoding.offset(rows.numeric, len(rows))
    return eta if offset is None else eta + offset[:, None]


@partial(compiled, fastmath=FAST, error_model="numpy", nogil=True)
def _average(
    eta: Floats, level: Ints, moments: Singles, weights: Floats, successes: Floats, found: Floats
) -> None:
    """Odds against every row's outcome, and mean and variance of its linear predictor, over the points."""
    n_points = len(weights)
    for i in range(len(eta)):
        own, line = moments[level[i]], eta[i]
        sign, which = (-1.0, 0) if successes[i] == 1 else (1.0, 1)
        against, mean, square = 0.0, 0.0, 0.0
        base = line[0] + own[0, 2]
        for m in range(n_points):
            against += weights[m] * exponential(sign * line[m]) * own[m, which]
            off = line[m] + own[m, 2] - base
            mean += weights[m] * off
            square += weights[m] * (off * off + own[m, 3])
        found[0, i], found[1, i], found[2, i] = against, base + mean, square - mean * mean
