"""One factor alone: the exact posterior of its levels' effects, by quadrature, without a draw.

The model is ``p(s, n) ~ 1 + (1 | level)``. Given the intercept b and the sd of the levels, levels are
independent, and those with the same counts (s, n) are the same: thousands of levels are a few hundred
integrals, and two parameters are left. Each integral over ``eta = b + u`` is a trapezoid rule after a sinh
transformation around its mode, so that nodes are close where the integrand is narrow and reach far where it
is wide; b and the sd have trapezoid rules on the region that carries the posterior, the sd as
``exp(t - exp(-t))``, whose density has no long tail towards sds of 0 (Takahasi and Mori 1974,
doi:10.2977/prims/1195192451).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.formula.priors import IndependentPriors, Prior
from data_science.likelihood import binomial

_REACH, _NODES = 4.2, 29  # of the inner rule, after the transformation: sinh(4.2) is 33 Laplace sds
_RANGE = (-2.6, 4.0)  # of t; outside is no posterior, whatever the prior: sds of 1e-7 and of 54 logits
_NEGLIGIBLE_NATS = 16.0
_KNOTS, _MORE_KNOTS = 25, 49  # of t, over the region within that of its peak
_FEW = 100  # levels below which there are more, as the sd is hardly known and its posterior far from normal
_STANDARD = np.arange(-6.0, 6.1)  # nodes of the intercept, in conditional sds
_STEPS = 60  # of Newton's method, at most
_ENTRIES = 60_000  # floats of a batch, which the cache holds
_HALF_LOG = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class LevelEffects:
    """Posterior mean and sd of the effect of each level, or kind of level, on the logit scale."""

    mean: Floats  # (level,)
    sd: Floats  # (level,)
    unseen_sd: float  # of a level without data, whose mean is 0
    intercept: float  # posterior mean
    group_sd: float  # posterior mean

    def of_levels(self, which: Ints) -> LevelEffects:
        """From those of kinds, return the effects of levels, of which kind each is given."""
        return replace(self, mean=self.mean[which], sd=self.sd[which])


@dataclass(frozen=True, slots=True)
class Kinds:
    """Levels with the same counts."""

    successes: Floats  # (kind,)
    trials: Floats  # (kind,)
    levels: Floats  # (kind,), how many there are

    @classmethod
    def of(cls, successes: Ints, trials: Ints) -> tuple[Kinds, Ints]:
        """Count the kinds; also which of them each level is."""
        counts, which, levels = np.unique(
            np.column_stack([successes, trials]), axis=0, return_inverse=True, return_counts=True
        )
        s, n = counts.astype(np.float64).T
        return cls(s, n, levels.astype(np.float64)), which.reshape(-1)

    @property
    def overall_logit(self) -> float:
        """Log odds of all trials together, kept finite."""
        successes, trials = self.levels @ self.successes, self.levels @ self.trials
        return binomial.logit(float((successes + 0.5) / (trials + 1)))


def level_effects(kinds: Kinds, intercept: Prior, group_sd: Prior) -> LevelEffects:
    """Integrate over everything.

    Parameters
    ----------
    kinds : Kinds
    intercept, group_sd : Prior
        Of the log odds of a typical level, and of the sd of levels.
    """
    joint = _Joint(kinds, IndependentPriors.of([intercept]), IndependentPriors.of([group_sd]))
    n_knots = _MORE_KNOTS if kinds.levels.sum() < _FEW else _KNOTS
    t, start = np.linspace(*_RANGE, n_knots), np.full(n_knots, kinds.overall_logit)
    while True:
        centre, sd, log_marginal = joint.conditional(t - np.exp(-t), start)
        log_marginal += np.log1p(np.exp(-t))
        there = np.flatnonzero(log_marginal > log_marginal.max() - _NEGLIGIBLE_NATS)
        if len(there) >= n_knots // 2:
            break
        finer = np.linspace(t[max(there[0] - 1, 0)], t[min(there[-1] + 1, n_knots - 1)], n_knots)
        t, start = finer, np.interp(finer, t, centre)
    t, centre, sd = t[there], centre[there], sd[there]
    b = (centre[:, None] + sd[:, None] * _STANDARD).ravel()
    log_sd = np.repeat(t - np.exp(-t), len(_STANDARD))
    log_density, mean, square = joint.moments(b, log_sd)
    weights = np.exp(log_density - log_density.max()) * np.repeat(sd * (1 + np.exp(-t)), len(_STANDARD))
    weights /= weights.sum()
    mean, square, sigma = mean @ weights, square @ weights, np.exp(log_sd)
    return LevelEffects(
        mean,
        np.sqrt(np.maximum(square - mean**2, 0.0)),
        float(np.sqrt(weights @ sigma**2)),
        float(weights @ b),
        float(weights @ sigma),
    )


@dataclass(frozen=True, slots=True)
class _Point:
    """The nodes of every kind's integral at some points (b, log sd): shape (kind, point, node)."""

    eta: Floats
    probability: Floats
    weights: Floats  # sum to 1 over nodes
    log_integral: Floats  # (kind, point)


@dataclass(frozen=True, slots=True)
class _Joint:
    """Log density of b and the log sd, with all levels integrated out."""

    kinds: Kinds
    intercept: IndependentPriors
    group_sd: IndependentPriors

    def moments(self, b: Floats, log_sd: Floats) -> tuple[Floats, Floats, Floats]:
        """Log density at each point; first and second moment of every kind's effect there, (kind, point)."""
        value, n_kinds = np.empty(len(b)), len(self.kinds.levels)
        mean, square = np.empty((n_kinds, len(b))), np.empty((n_kinds, len(b)))
        size = max(1, _ENTRIES // (n_kinds * _NODES))
        for start in range(0, len(b), size):
            some = slice(start, start + size)
            nodes = self._nodes(b[some], log_sd[some])
            effect = nodes.eta - b[some, None]
            mean[:, some] = (nodes.weights * effect).sum(-1)
            square[:, some] = (nodes.weights * effect**2).sum(-1)
            value[some] = self.kinds.levels @ nodes.log_integral
        prior = self.intercept.log_density(b[:, None]).value[:, 0]
        hyper = self.group_sd.log_density(np.exp(log_sd)[:, None]).value[:, 0] + log_sd
        return value + prior + hyper, mean, square

    def conditional(self, log_sd: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
        """Find the mode and sd of b given each log sd, from ``b`` on, and the log sd's Laplace marginal."""
        kinds = self.kinds
        for _ in range(_STEPS):
            nodes = self._nodes(b, log_sd)
            p, n = nodes.probability, kinds.trials[:, None]
            score = kinds.successes[:, None, None] - n[..., None] * p
            mean = (nodes.weights * score).sum(-1)
            information = n * (nodes.weights * binomial.variance(p, p)).sum(-1)
            missing = (nodes.weights * score**2).sum(-1) - mean**2  # Louis 1982
            prior = self.intercept.log_density(b[:, None])
            gradient = kinds.levels @ mean + prior.first[:, 0]
            curvature = kinds.levels @ (information - missing) - prior.second[:, 0]
            sd = 1 / np.sqrt(np.maximum(curvature, 1e-4))
            move = np.clip(gradient * sd**2, -2.0, 2.0)
            if np.all(np.abs(move) < 0.05 * sd):
                break
            b = b + move
        value = kinds.levels @ nodes.log_integral + prior.value[:, 0]
        hyper = self.group_sd.log_density(np.exp(log_sd)[:, None]).value[:, 0] + log_sd
        return b, sd, value + hyper + np.log(sd)

    def _nodes(self, b: Floats, log_sd: Floats) -> _Point:
        """Centre a grid at the mode of every kind's integrand, at every point."""
        s, n = self.kinds.successes[:, None], self.kinds.trials[:, None]
        precision = np.exp(-2 * log_sd)
        share = (s + 0.5) / (n + 1)
        data = binomial.variance(n * share, share)
        mode = (data * np.log(share / (1 - share)) + precision * b) / (data + precision)
        for _ in range(_STEPS):
            p = binomial.probability(mode)
            sd = 1 / np.sqrt(binomial.variance(n * p, p) + precision)
            move = np.clip((s - n * p - precision * (mode - b)) * sd**2, -3.0, 3.0)
            mode = mode + move
            if np.all(np.abs(move) < 0.1 * sd):
                break
        t = np.linspace(-_REACH, _REACH, _NODES)
        eta = mode[..., None] + sd[..., None] * np.sinh(t)
        partition, probability = binomial.log_partition_and_probability(eta)
        exponent = s[..., None] * eta - n[..., None] * partition
        exponent -= 0.5 * precision[:, None] * (eta - b[:, None]) ** 2
        top = exponent.max(-1, keepdims=True)
        weights = np.exp(exponent - top) * np.cosh(t)
        total = weights.sum(-1)
        weights /= total[..., None]
        scale = np.log(sd * (t[1] - t[0]) * total) - log_sd - _HALF_LOG
        return _Point(eta, probability, weights, top[..., 0] + scale)
