"""Effects with their uncertainty, and whether one is beyond its margin; changes with the statistics.

The MLE team's package has the same figures of its own (`effects.py` there): neither may import the other, and
a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.likelihood import binomial

Judged = Literal["beyond", "within", "unclear"]
FLOOR = 1e-9  # a probability of 0 or 1 that turns out wrong costs 20.7 nats, not infinitely many


@dataclass(frozen=True, slots=True)
class Estimate:
    """One effect and the interval in which it lies."""

    value: float
    lower: float
    upper: float

    def judged_by(self, margin: float) -> Judged:
        """Compare the whole interval with the margin, so that little data is never taken for no effect."""
        if self.lower > margin:
            return "beyond"
        return "within" if self.upper <= margin else "unclear"

    def magnitude(self) -> Estimate:
        """Return the same effect without its sign."""
        return Estimate(
            abs(self.value), max(0.0, self.lower, -self.upper), max(abs(self.lower), abs(self.upper))
        )


def z_of(coverage: float) -> float:
    """Return how many standard errors an interval reaches to either side."""
    return NormalDist().inv_cdf((1.0 + coverage) / 2.0)


def mean_of(
    values: Floats, implied: Floats, client: Ints, coverage: float, n: Floats | float = 1.0
) -> Estimate:
    """Return a mean, with an interval that counts each client's rows as one (clients are 0, 1, ...).

    A row may be a sum over ``n`` of the things whose mean is asked for. The larger of the cluster-robust
    standard error (Liang and Zeger 1986, doi:10.1093/biomet/73.1.13) and that of the implied variances:
    without an event among few rows the former is far too small.
    """
    n = np.broadcast_to(n, values.shape)
    mean = float(values.sum() / n.sum())
    sums = np.bincount(client, weights=values - n * mean)
    n_clients = max(int(np.count_nonzero(np.bincount(client))), 2)
    robust = n_clients / (n_clients - 1) * float(sums @ sums)
    half = z_of(coverage) * float(np.sqrt(max(robust, float(implied.sum())))) / float(n.sum())
    return Estimate(mean, mean - half, mean + half)


def score_shortfall(p: Floats, y: Floats, client: Ints, coverage: float, n: Floats | float = 1.0) -> Estimate:
    """How far the mean log score lies below what the probabilities themselves imply, in nats per trial of n.

    Who believes ``p`` expects ``p log p + (1 - p) log(1 - p)`` of a row; what came minus that is
    ``(y - p) logit(p)``, whose mean is zero if the probabilities are true.
    """
    p = np.clip(p, FLOOR, 1.0 - FLOOR)
    logit = binomial.log_odds(p)
    return mean_of(-(y - n * p) * logit, binomial.variance(n * p, p) * logit**2, client, coverage, n)


def implied_score(p: Floats, n: Floats) -> float:
    """How far below zero the probabilities themselves expect the mean log score, in nats per trial of n."""
    p = np.clip(p, FLOOR, 1.0 - FLOOR)
    return -float(np.average(p * np.log(p) + (1.0 - p) * np.log1p(-p), weights=n))


def rate_gap(p: Floats, y: Floats, client: Ints, coverage: float, n: Floats | float = 1.0) -> Estimate:
    """Observed minus predicted rate of the positive label."""
    return mean_of(y - n * p, binomial.variance(n * p, p), client, coverage, n)


def difference(now: Estimate, then: float, then_se: float, coverage: float) -> Estimate:
    """Return how far a mean has moved from that of training, either way."""
    half = float(np.hypot((now.upper - now.lower) / 2.0, z_of(coverage) * then_se))
    moved = now.value - then
    return Estimate(moved, moved - half, moved + half).magnitude()


def distance(reference: Floats, live: Floats, coverage: float) -> Estimate:
    """Jensen-Shannon distance, base 2, of two histograms over the same cells (Endres and Schindelin 2003).

    Two samples of one population look different by about ``(cells - 1)(1/n + 1/m)/8`` nats: the first-order
    bias of each entropy (Miller 1955) is removed. The standard error adds the delta method's variance, which
    vanishes without drift, to that of the limit without drift (Grosse et al. 2002).
    """
    n, m = float(reference.sum()), float(live.sum())
    used = (reference + live) > 0
    p, q = reference[used] / n, live[used] / m
    middle = (p + q) / 2.0
    to_p, to_q = _log_ratio(p, middle), _log_ratio(q, middle)
    bias = (np.count_nonzero(p) - 1) / (4 * n) + (np.count_nonzero(q) - 1) / (4 * m)
    bias -= float(((p * (1 - p) / n + q * (1 - q) / m) / middle).sum()) / 8
    divergence = float(p @ to_p + q @ to_q) / 2 - bias
    delta = _variance(p, to_p) / (4 * n) + _variance(q, to_q) / (4 * m)
    limit = (p.size - 1) / 32 * (1 / n + 1 / m) ** 2
    reach = z_of(coverage) * float(np.sqrt(delta + limit)) * np.array([0.0, -1.0, 1.0])
    return Estimate(*(float(end) for end in np.sqrt(np.clip((divergence + reach) / np.log(2), 0.0, 1.0))))


def _log_ratio(p: Floats, middle: Floats) -> Floats:
    ratio = np.zeros_like(p)  # an empty cell adds 0, the limit of p log p
    np.log(p / middle, out=ratio, where=p > 0)
    return ratio


def _variance(p: Floats, values: Floats) -> float:
    return float(p @ values**2 - (p @ values) ** 2)
