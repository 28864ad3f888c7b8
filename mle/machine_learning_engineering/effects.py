"""Effects with their uncertainty, and whether one is beyond its margin; changes with the statistics."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

type Vector = npt.NDArray[np.float64]
type Verdict = Literal["beyond", "within", "unclear"]

# A probability of exactly 0 or 1 that turns out wrong has no finite log score; it costs 20.7 nats instead.
PROBABILITY_FLOOR = 1e-9


@dataclass(frozen=True, slots=True)
class Estimate:
    """One effect and the interval it lies in with the stated probability."""

    value: float
    lower: float
    upper: float

    def judged_by(self, margin: float) -> Verdict:
        """Compare the whole interval with the margin, so that little data is never taken for no effect."""
        if self.lower > margin:
            return "beyond"
        return "within" if self.upper <= margin else "unclear"

    def data_needed(self, margin: float) -> float:
        """How many times the data would bring the interval to one side of the margin, at the same value."""
        distance = abs(margin - self.value)
        return ((self.upper - self.lower) / 2 / distance) ** 2 if distance else float("inf")

    def magnitude(self) -> Estimate:
        """Return the same effect without its sign."""
        return Estimate(
            abs(self.value), max(0.0, self.lower, -self.upper), max(abs(self.lower), abs(self.upper))
        )


def score_shortfall(p: Vector, y: Vector, client: npt.NDArray[np.int64], coverage: float) -> Estimate:
    """How far the mean log score lies below what the model's own probabilities imply, in nats per prediction.

    A model that believes its own p expects ``p log p + (1-p) log(1-p)`` of each prediction; the observed
    score minus that is ``(y - p) logit(p)``, whose mean is zero if the probabilities are true.
    """
    p = np.clip(p, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    logit = np.log(p) - np.log1p(-p)
    return _mean(-(y - p) * logit, p * (1 - p) * logit**2, client, coverage)


def implied_score(p: Vector) -> float:
    """How far below zero the model's own probabilities expect the mean log score, in nats per prediction."""
    p = np.clip(p, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return -float((p * np.log(p) + (1 - p) * np.log1p(-p)).mean())


def rate_gap(p: Vector, y: Vector, client: npt.NDArray[np.int64], coverage: float) -> Estimate:
    """Observed minus predicted rate of label 1."""
    return _mean(y - p, p * (1 - p), client, coverage)


def _mean(values: Vector, variance: Vector, client: npt.NDArray[np.int64], coverage: float) -> Estimate:
    """Mean with an interval that counts each client's predictions as one observation.

    The larger of the cluster-robust standard error (Liang & Zeger 1986, doi:10.1093/biomet/73.1.13) and the
    one implied by the model: with no event among few predictions the former is far too small.
    """
    n = values.size
    mean = float(values.mean())
    _, cluster = np.unique(client, return_inverse=True)
    sums = np.bincount(cluster, weights=values - mean)
    n_clusters = max(sums.size, 2)
    robust = n_clusters / (n_clusters - 1) * float(sums @ sums)
    half = _z(coverage) * float(np.sqrt(max(robust, float(variance.sum())))) / n
    return Estimate(mean, mean - half, mean + half)


def jensen_shannon_distance(reference: Vector, live: Vector, coverage: float) -> Estimate:
    """Jensen-Shannon distance (base 2, in [0, 1]) of two histograms over the same cells.

    The square root of the divergence is a metric (Endres & Schindelin 2003, doi:10.1109/TIT.2003.813506).
    """
    divergence, se = corrected_divergence(reference, live)
    bounds = divergence + _z(coverage) * se * np.array([0.0, -1.0, 1.0])
    return Estimate(*(float(bound) for bound in np.sqrt(np.clip(bounds / np.log(2), 0, 1))))


def corrected_divergence(reference: Vector, live: Vector) -> tuple[float, float]:
    """Jensen-Shannon divergence in nats (Lin 1991, doi:10.1109/18.61115), and its standard error.

    Two samples of one population look different, by about ``(cells - 1)(1/n + 1/m)/8`` nats; the first-order
    bias of each entropy (Miller 1955) is therefore removed, and the result may be negative. The squared
    standard error adds the delta method's variance, which vanishes without drift, to that of the chi-square
    limit, which is all there is then (Grosse et al. 2002, doi:10.1103/PhysRevE.65.041905).
    """
    n, m = float(reference.sum()), float(live.sum())
    used = (reference + live) > 0
    p, q = reference[used] / n, live[used] / m
    middle = (p + q) / 2
    to_p, to_q = _log_ratio(p, middle), _log_ratio(q, middle)
    divergence = float(p @ to_p + q @ to_q) / 2
    bias = (np.count_nonzero(p) - 1) / (4 * n) + (np.count_nonzero(q) - 1) / (4 * m)
    bias -= float(((p * (1 - p) / n + q * (1 - q) / m) / middle).sum()) / 8
    delta = _variance(p, to_p) / (4 * n) + _variance(q, to_q) / (4 * m)
    limit = (p.size - 1) / 32 * (1 / n + 1 / m) ** 2
    return divergence - bias, float(np.sqrt(delta + limit))


def _log_ratio(p: Vector, middle: Vector) -> Vector:
    ratio = np.zeros_like(p)  # an empty cell contributes 0, the limit of p log p
    np.log(p / middle, out=ratio, where=p > 0)
    return ratio


def _variance(p: Vector, values: Vector) -> float:
    return float(p @ values**2 - (p @ values) ** 2)


def _z(coverage: float) -> float:
    return NormalDist().inv_cdf((1 + coverage) / 2)
