"""The family: binomial with logit link. Its log-partition, their derivatives, the link and its inverse.

For y successes in n trials the log-likelihood is ``y eta - n A(eta)`` and a constant, with the log-partition
``A(eta) = log(1 + exp(eta))``; its first derivative is the probability p, the second ``p (1 - p)``, the third
``p (1 - p) (1 - 2 p)``. These are defined here and nowhere else, each without overflow: for arrays, for one
row as Python floats (a request costs a microsecond), and in the arithmetic that numba compiles
(`likelihood/compiled`; inlined into the loops of `likelihood/collapse`, which work on odds ``exp(eta)``).
NumPy only, since serving reads this module.
"""

from __future__ import annotations

import math

import numpy as np

from data_science.arrays import Floats

_LARGEST_EXPONENT = 700.0
_FACTORS = 512  # of at most 2 each: their product does not overflow


def log_partition(eta: Floats) -> Floats:
    """``A(eta)``, elementwise."""
    return np.asarray(np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta))))


def log_partition_and_probability(eta: Floats) -> tuple[Floats, Floats]:
    """``A(eta)`` and ``p``, elementwise, from one exponential."""
    decay = np.exp(-np.abs(eta))
    return np.maximum(eta, 0) + np.log1p(decay), np.where(eta >= 0, 1.0, decay) / (1 + decay)


def total_log_partition(eta: Floats) -> Floats:
    """Sum of ``A(eta)`` over the first axis, with one logarithm for hundreds of terms."""
    distance = np.abs(eta)
    total = 0.5 * (eta.sum(0) + distance.sum(0))  # of max(eta, 0)
    np.negative(distance, out=distance)
    np.exp(distance, out=distance)
    distance += 1.0
    starts = range(0, len(eta), _FACTORS)
    products = [np.multiply.reduce(distance[start : start + _FACTORS], axis=0) for start in starts]
    return np.asarray(total + np.log(products).sum(0))


def derivatives(eta: Floats, order: int) -> list[Floats]:
    """Return the first ``order`` derivatives of A, at most four, elementwise."""
    p = probability(eta)
    second = p * probability(-eta)
    skew = asymmetry(eta)
    return [p, second, second * skew, second * (1 - 6 * second)][:order]


def variance(expected: Floats, p: Floats) -> Floats:
    """``n p (1 - p)`` from ``n p`` and p, elementwise or of one node; of single trials, both are p."""
    return expected * (1 - p)


def log_coefficient(successes: Floats, trials: Floats) -> Floats:
    """Log of the number of ways in which that many of the trials succeed; integers, shape (node,)."""
    log_factorial = np.frompyfunc(lambda n: math.lgamma(n + 1), 1, 1)
    found = np.zeros(len(trials))
    several = trials > 1
    y, n = successes[several], trials[several]
    found[several] = log_factorial(n) - log_factorial(y) - log_factorial(n - y)
    return found


def log_probability(successes: Floats, trials: Floats, eta: Floats) -> Floats:
    """Log probability of each node's successes at every draw, shape (node, draw)."""
    ways = log_coefficient(successes, trials)
    return np.asarray(successes[:, None] * eta - trials[:, None] * log_partition(eta) + ways[:, None])


def log_probability_of_one(success: Floats, eta: Floats) -> Floats:
    """Log probability of one trial's outcome, 0 or 1, at every draw, shape (row, draw)."""
    return -log_partition(np.where(success[:, None] == 1, -eta, eta))


def log_probability_against(odds: Floats) -> Floats:
    """Log probability of an outcome from the odds against it."""
    return np.asarray(-np.log1p(odds))


def node(eta: float, trials: float) -> tuple[float, float]:
    """``n A(eta)`` and ``n p`` of one node, in arithmetic that numba compiles."""
    decay = np.exp(-abs(eta))
    return trials * (max(eta, 0.0) + np.log1p(decay)), trials * (1.0 if eta >= 0 else decay) / (1 + decay)


def both_chances(eta: float) -> tuple[float, float]:
    """``p`` and ``1 - p`` of one row, each to full precision."""
    decay = np.exp(-abs(eta))
    return (1.0 if eta >= 0 else decay) / (1 + decay), (decay if eta >= 0 else 1.0) / (1 + decay)


def moved(p: float, q: float, ratio: float) -> tuple[float, float]:
    """Return p after its odds are multiplied, from p and ``q = 1 - p``; and the exponential of A's growth."""
    growth = q + p * ratio
    return p * ratio / growth, growth


def failure_at_odds(odds: float) -> float:
    """Return ``1 - p``."""
    return 1 / (1 + odds)


def probability_at_odds(odds: float) -> float:
    """Return p."""
    return odds / (1 + odds)


def log_partition_at_odds(odds: float) -> float:
    """Return A."""
    return float(np.log(1 + odds))


def asymmetry(eta: Floats) -> Floats:
    """``1 - 2 p``, elementwise: the third derivative of A in units of the second."""
    return np.asarray(-np.tanh(eta / 2))


def probability(eta: Floats) -> Floats:
    """``p``, elementwise: the inverse link."""
    with np.errstate(over="ignore"):  # exp(710) is infinite, and 1 / infinity the right 0
        found = np.negative(eta)
        np.exp(found, out=found)
        found += 1.0
        return np.reciprocal(found, out=found)


def reciprocal_probability(eta: Floats) -> Floats:
    """``1 / p``, elementwise, at most 1e304."""
    found = np.negative(eta)
    np.minimum(found, _LARGEST_EXPONENT, out=found)
    np.exp(found, out=found)
    found += 1.0
    return found


def probability_of_one(eta: float) -> float:
    """``p`` of one row."""
    if eta >= 0.0:
        return 1.0 / (1.0 + math.exp(-eta))
    return math.exp(eta) / (1.0 + math.exp(eta))


def log_odds(p: Floats) -> Floats:
    """Return the link of probabilities between 0 and 1, elementwise."""
    return np.asarray(np.log(p) - np.log1p(-p))


def logit(p: float) -> float:
    """Return the link: eta of a probability inside (0, 1)."""
    return math.log(p / (1.0 - p))
