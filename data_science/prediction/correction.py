"""From the plug-in probability towards the posterior mean; changes when the approximation changes.

The plug-in is the inverse logit of the mean logit. The link is curved, so the posterior mean probability is
nearer to one half. With a normal logit it is a one-dimensional integral, here by Gauss-Hermite quadrature
(Crouch & Spiegelman 1990, doi:10.1080/01621459.1990.10476222).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.errors import FeatureError
from data_science.likelihood.binomial import probability

# Largest distance between plug-in and posterior mean that may be ignored: half a percentage point.
GAP_BOUND = 0.005
MOST_COVARYING = 2_000  # coefficients whose covariance is kept: it grows with their square
NODES = 9  # with 9 nodes the error is below 1e-4 for a logit sd up to 1


@dataclass(frozen=True, eq=False)
class Correction:
    """The measured gap, the bound it is judged by, and what correcting needs."""

    gap: float  # largest |plug-in - posterior mean probability| over the training cells
    bound: float
    #: Posterior covariance of the coefficients, raw scale; None beyond MOST_COVARYING: the draws say it.
    covariance: Floats | None = field(repr=False)

    @property
    def active(self) -> bool:
        """Whether the gap is too large to be ignored."""
        # Written as "not within": a NaN gap must not pass for a small one.
        return not self.gap <= self.bound


def corrected_probability(mean: Floats, variance: Floats) -> Floats:
    """Return the mean of the inverse logit of normal logits, shape (row,)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    at_nodes = probability(mean[:, None] + np.sqrt(variance)[:, None] * nodes)
    corrected: Floats = at_nodes @ (weights / weights.sum())
    return corrected


def logit_variance(places: Sequence[Ints], multipliers: Sequence[Floats], covariance: Floats) -> Floats:
    """Return the posterior variance of each row's linear predictor, shape (row,).

    Parameters
    ----------
    places, multipliers : one array per term, shape (row,)
        Which coefficient a term takes and what multiplies it; places past the coefficients have no variance.
    covariance : array, shape (coefficient, coefficient)

    Raises
    ------
    FeatureError
        If it is beyond any float: the probability would be NaN, which no threshold exceeds, and the label 0.
    """
    n = len(covariance)
    padded = np.zeros((n + 1, n + 1))
    padded[:n, :n] = covariance
    at = [np.minimum(place, n) for place in places]
    variance = np.zeros(len(at[0]))
    with np.errstate(over="ignore", invalid="ignore"):
        for left, by_left in zip(at, multipliers, strict=True):
            for right, by_right in zip(at, multipliers, strict=True):
                variance += padded[left, right] * by_left * by_right
    if not np.isfinite(variance).all():
        raise FeatureError("the numbers are too large to score; expected the range seen in training")
    return np.maximum(variance, 0.0)  # rounding may leave -1e-20


def covariance_of(draws: Floats) -> Floats | None:
    """Return the covariance of the coefficients over draws, None of more than are kept."""
    n = draws.shape[1]
    return np.cov(draws, rowvar=False).reshape(n, n) if n <= MOST_COVARYING else None


def largest_gap(plug_in: Floats, posterior: Floats) -> float:
    """Return the largest distance between the two probabilities."""
    return float(np.abs(plug_in - posterior).max())
