"""Compare posteriors in units of their Monte Carlo error, all numbers of a comparison at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats

_AXES = {"chain_axis": 0, "draw_axis": 1}
QUANTILES = (0.05, 0.5, 0.95)
#: Chance that two right posteriors are told apart in one comparison (Bonferroni over its numbers).
FALSE_ALARM = 2e-5

type Draws = dict[str, np.ndarray]  # scalar by ArviZ's name -> shape (chain, draw)
type Estimates = Mapping[str, Mapping[str, tuple[float, float]]]  # scalar -> quantity -> value, its MCSE


@dataclass(frozen=True)
class Deviation:
    """One number of one scalar: how far two posteriors are apart, and how far they may be."""

    scalar: str
    quantity: str
    in_mcse: float
    limit: float

    @property
    def is_noise(self) -> bool:
        """Whether two right posteriors may differ as much; a NaN is no noise."""
        return self.in_mcse < self.limit

    def __str__(self) -> str:
        return f"{self.quantity} of {self.scalar} {self.in_mcse:.1f} MCSE off (limit {self.limit:.1f})"


def scalars(posterior: xr.Dataset) -> Draws:
    """Draws of every scalar by ArviZ's name, shape (chain, draw)."""
    found = {}
    for name, values in posterior.data_vars.items():
        dims = [d for d in values.dims if d not in ("chain", "draw")]
        table = values.transpose("chain", "draw", *dims)
        for index in np.ndindex(table.shape[2:]):
            labels = [str(table[d].values[i]) for d, i in zip(dims, index, strict=True)]
            found[f"{name}[{', '.join(labels)}]" if labels else str(name)] = table.values[(..., *index)]
    return found


def is_group_sd(name: str) -> bool:
    return "_sigma" in name


def tail_points(draws: Draws) -> dict[str, float]:
    """For every group sd a value that one draw in ten exceeds: its tail is what few groups leave open."""
    return {name: float(np.quantile(values, 0.9)) for name, values in draws.items() if is_group_sd(name)}


def estimates(draws: Draws, tails: Mapping[str, float], efficiency: float = 1.0) -> Estimates:
    """Mean, sd and quantiles of every scalar, and the tail share of every group sd, with their MCSE.

    Mean and sd of a group sd are those of its log: its own tail may be too heavy for a useful error.
    ``efficiency`` is that of the importance weights behind the draws.
    """
    return {
        name: {
            quantity: (float(value), float(error) / efficiency**0.5)
            for quantity, value, error in _estimates(values, is_group_sd(name), tails.get(name))
        }
        for name, values in draws.items()
    }


def _estimates(draws: np.ndarray, in_logs: bool, tail_above: float | None) -> Iterator[tuple]:
    moments = np.log(draws) if in_logs else draws
    yield "mean", moments.mean(), array_stats.mcse(moments, **_AXES, method="mean")
    yield "sd", moments.std(ddof=1), array_stats.mcse(moments, **_AXES, method="sd")
    for q in QUANTILES:
        error = array_stats.mcse(draws, **_AXES, method="quantile", prob=q)
        yield f"q{100 * q:.0f}", np.quantile(draws, q), error
    if tail_above is not None:
        tail = (draws > tail_above).astype(float)
        share = float(np.clip(tail.mean(), 1 / tail.size, 1 - 1 / tail.size))
        ess = float(array_stats.ess(tail, **_AXES, method="mean")) if 0 < tail.mean() < 1 else tail.size / 10
        yield "tail share", tail.mean(), np.sqrt(share * (1 - share) / ess)


def worst(ours: Estimates, theirs: Estimates) -> Deviation:
    """The largest deviation of two posteriors of the same scalars, in units of Monte Carlo error."""
    assert ours.keys() == theirs.keys()
    distances = {
        (name, quantity): abs(value - theirs[name][quantity][0]) / np.hypot(error, theirs[name][quantity][1])
        for name, quantities in ours.items()
        for quantity, (value, error) in quantities.items()
    }
    name, quantity = max(distances, key=lambda key: np.nan_to_num(distances[key], nan=np.inf))
    limit = NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * len(distances)))
    return Deviation(name, quantity, float(distances[name, quantity]), limit)


def largest_rhat(draws: Draws) -> float:
    return max(float(array_stats.rhat(values, **_AXES)) for values in draws.values())
