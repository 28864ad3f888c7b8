"""Measure whether two engines agree: are their posteriors within Monte Carlo error of each other.

Means of coefficients, and means of the logs of group sds (their own means have no useful Monte Carlo error
with few groups: the tail is too heavy).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from data_science.arrays import Floats
from data_science.arviz_functions import array_stats
from data_science.engines.posterior import Posterior

#: Chance that two correct engines are said to disagree on any parameter of a fit (Bonferroni).
FALSE_ALARM = 1e-4
#: Posterior sds apart that nobody could act on, whatever the Monte Carlo error.
NEGLIGIBLE_SDS = 0.05
UNNAMED = "the second engine"


@dataclass(frozen=True, slots=True)
class Agreement:
    """The largest disagreement of two posteriors, in units of what Monte Carlo error allows."""

    worst: str  # parameter
    distance_in_sds: float
    distance_in_mcse: float
    limit_in_mcse: float
    by: str = UNNAMED  # which one was compared with, as a sentence names it

    @property
    def holds(self) -> bool:
        """Whether the engines agree; a NaN distance does not."""
        return self.distance_in_mcse <= self.limit_in_mcse or self.distance_in_sds <= NEGLIGIBLE_SDS

    def to_json(self) -> dict[str, Any]:
        """Represent the comparison with JSON types."""
        return {
            "worst": self.worst,
            "distance_in_sds": self.distance_in_sds,
            "distance_in_mcse": self.distance_in_mcse,
            "limit_in_mcse": self.limit_in_mcse,
            "holds": self.holds,
            "by": self.by,
        }


def compare(first: Posterior, second: Posterior, names: list[str], by: str = UNNAMED) -> Agreement:
    """Find the parameter on which two posteriors differ most.

    Parameters
    ----------
    first, second : Posterior
        Of one design.
    names : list of str
        Names of the coefficients, then of the sds.
    by : str
        The second's engine, as a sentence names it.
    """
    a, b = _draws(first), _draws(second)
    (mean_a, sd_a, mcse_a), (mean_b, sd_b, mcse_b) = (_moments(d, p) for d, p in ((a, first), (b, second)))
    difference = np.abs(mean_a - mean_b)
    in_mcse, in_sds = difference / np.hypot(mcse_a, mcse_b), difference / np.sqrt((sd_a**2 + sd_b**2) / 2)
    limit = NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * len(names)))
    # A parameter counts only as far as it is beyond both bounds; NaN ranks above every number.
    excess = np.nan_to_num(np.minimum(in_mcse / limit, in_sds / NEGLIGIBLE_SDS), nan=np.inf)
    worst = int(np.argmax(excess))
    return Agreement(names[worst], float(in_sds[worst]), float(in_mcse[worst]), limit, by)


def _draws(posterior: Posterior) -> Floats:
    with np.errstate(divide="ignore"):
        return np.concatenate([posterior.coefficients, np.log(posterior.sds)], axis=2)


def _moments(draws: Floats, posterior: Posterior) -> tuple[Floats, Floats, Floats]:
    efficiency = float(posterior.attributes.get("efficiency", 1.0))
    ess = efficiency * array_stats.ess(draws, chain_axis=0, draw_axis=1, method="mean")
    sd = draws.std(axis=(0, 1), ddof=1)
    return draws.mean(axis=(0, 1)), sd, sd / np.sqrt(ess)
