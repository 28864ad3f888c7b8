"""The exact density of what is left: common coefficients, smaller factors' effects and all log sds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats, Ints, Singles
from data_science.errors import GateError
from data_science.formula.priors import IndependentPriors
from data_science.likelihood.collapse.derivatives import derivatives
from data_science.likelihood.collapse.drawing import FINE, QUANTILES
from data_science.likelihood.collapse.integrals import integrals
from data_science.likelihood.collapse.nodes import REACH, STEP
from data_science.likelihood.collapse.plan import Operands, Plan

BATCH = 32  # points that the compiled loops take at a time
_HALF_LOG = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class Slope:
    """Log density at one point with derivatives; ``precision`` is minus the likelihood's Hessian in v."""

    value: float
    gradient: Floats  # (r,), in v
    likelihood_gradient: Floats  # (r,), without the priors' part
    precision: Floats  # (r, r), without the priors' part
    prior_precision: Floats  # (r,)
    first: Floats  # (sd,), in theta at fixed v
    second: Floats  # (sd,), second derivative there
    cross: Floats  # (r,), mixed derivative with the sd integrated over


@dataclass(frozen=True, slots=True)
class Points:
    """What integration found at many points."""

    log_density: Floats  # (point,)
    lost: int  # levels whose grid failed its own test, over batches
    drawn: Floats  # (level, point), one draw of every level at each; empty if not asked for
    moments: Singles  # (level, point, 4), conditional means of e^-u, e^u and u, and u's variance; likewise


@dataclass(frozen=True, slots=True)
class Collapsed:
    """Log of prior times likelihood with one factor integrated out, in standard coordinates."""

    plan: Plan
    common_priors: IndependentPriors
    sd_priors: IndependentPriors

    @property
    def n_sds(self) -> int:
        """Length of ``theta``, the log sds of all factors in the order of the formula."""
        return self.sd_priors.size

    def log_prior(self, v: Floats, theta: Floats) -> Floats:
        """Log prior of what is left, for arrays of shape (..., r) and (..., sd)."""
        hyper = self.sd_priors.log_density(np.exp(theta)).value + theta
        value = self.common_priors.log_density(v[..., self.plan.n_others :]).value.sum(-1) + hyper.sum(-1)
        for k, where in self.plan.blocks:
            effects, size = v[..., where], where.stop - where.start
            value = value - 0.5 * (effects**2).sum(-1) * np.exp(-2 * theta[..., k])
            value = value - size * (theta[..., k] + _HALF_LOG)
        return np.asarray(value)

    def prior_slope(self, v: Floats, theta: Floats) -> tuple[Floats, Floats]:
        """Gradient of the log prior in v, and its precision, for arrays of shape (..., r) and (..., sd)."""
        gradient, precision = np.empty_like(v), np.empty_like(v)
        common = self.common_priors.log_density(v[..., self.plan.n_others :])
        gradient[..., self.plan.n_others :] = common.first
        precision[..., self.plan.n_others :] = np.maximum(-common.second, 0.0)  # heavy tails are not concave
        for k, where in self.plan.blocks:
            own = np.exp(-2 * theta[..., k, None])
            gradient[..., where] = -own * v[..., where]
            precision[..., where] = own
        return gradient, precision

    def slope(self, v: Floats, theta: Floats, modes: Floats) -> Slope:
        """Evaluate at one point; ``modes`` of the levels are where the search starts, and updated."""
        plan, r = self.plan, self.plan.n_left
        likelihood, precision, cross = np.zeros(r), np.zeros((r, r)), np.zeros(r)
        value, d1, d2, lost = derivatives(
            plan.operands, plan.columns, v, float(theta[plan.block]), modes, likelihood, precision, cross
        )
        likelihood += plan.successes
        prior_gradient, prior_precision = self.prior_slope(v, theta)
        sigma = np.exp(theta)
        hyper = self.sd_priors.log_density(sigma)
        first = hyper.first * sigma + 1
        second = hyper.second * sigma**2 + hyper.first * sigma
        first[plan.block] += d1
        second[plan.block] += d2
        for k, where in plan.blocks:
            square = float(v[where] @ v[where]) / sigma[k] ** 2
            first[k] += square - (where.stop - where.start)
            second[k] -= 2 * square
        total = value + float(plan.successes @ v + self.log_prior(v, theta))
        return Slope(
            total if not lost else -np.inf,
            likelihood + prior_gradient,
            likelihood,
            precision,
            prior_precision,
            first,
            second,
            cross,
        )

    def at(
        self,
        v: Floats,
        theta: Floats,
        modes: Floats,
        rng: np.random.Generator,
        *,
        draw: bool = False,
        moments: bool = False,
        step: float = STEP,
        reach: float = REACH,
    ) -> Points:
        """Evaluate at many points, shape (point, r) and (point, sd).

        Parameters
        ----------
        v, theta : arrays
        modes : array, shape (level,)
            Near the levels' modes.
        rng : Generator
            For the draws.
        draw, moments : bool
            Whether to draw every level once at each point, and to return its conditional moments there.
        step, reach : float
            Largest spacing and least half width of the grids, in conditional sds.
        """
        n_points, n_levels = len(v), len(self.plan.levels)
        value, lost = np.zeros(n_points), 0
        drawn = np.empty((n_levels, n_points) if draw else (0, 0))
        kept = np.empty((n_levels, n_points, 4) if moments else (0, 0, 0), dtype=np.float32)
        for part in self._batches(theta):
            found = np.zeros(len(part))
            some = np.empty((n_levels, len(part)) if draw else (0, 0))
            own = np.empty((n_levels, len(part), 4) if moments else (0, 0, 0))
            arguments = self._left(v[part], theta[part])
            lost += integrals(*arguments, modes, step, reach, rng, found, own, some)
            value[part] = found
            if draw:
                drawn[:, part] = some
            if moments:
                kept[:, part] = own
        value += v @ self.plan.successes + self.log_prior(v, theta)
        return Points(value, lost, drawn, kept)

    def drawn(
        self, v: Floats, theta: Floats, modes: Floats, n: int, some: slice, rng: np.random.Generator
    ) -> tuple[Floats, Floats, Floats]:
        """Draw some of the levels ``n`` times at one point.

        Returns
        -------
        drawn : array, shape (level, n)
        quantiles : array, shape (level, 3)
        moments : array, shape (level, 4)

        Raises
        ------
        GateError
            If a level could not be integrated.
        """
        rows, first = self.plan.operands.of_levels(some), len(QUANTILES)
        n_levels = len(rows.successes)
        found, moments = np.empty((n_levels, first + n)), np.empty((n_levels, 1, 4))
        arguments = self._left(v[None], theta[None])[1:]
        lost = integrals(rows, *arguments, modes[some], FINE, REACH, rng, np.zeros(1), moments, found)
        if lost:
            raise GateError(f"{lost} integrals over {self.plan.term.name} failed")
        return found[:, first:], found[:, :first], moments[:, 0]

    def _batches(self, theta: Floats) -> Iterator[Ints]:
        """Points in batches of like sds, whose grids are alike."""
        order = np.argsort(theta[:, self.plan.block], kind="stable")
        return (order[start : start + BATCH] for start in range(0, len(order), BATCH))

    def _left(self, v: Floats, theta: Floats) -> tuple[Operands, Floats, Floats, Floats]:
        """Rows, and what is left by kind with points innermost, for the compiled loops."""
        columns, n_others = np.ascontiguousarray(v.T), self.plan.n_others
        return (
            self.plan.operands,
            columns[n_others:],
            columns[:n_others],
            np.ascontiguousarray(theta[:, self.plan.block]),
        )
