"""Compare posteriors in units of their Monte Carlo error."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats

_AXES = {"chain_axis": 0, "draw_axis": 1}
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Deviation:
    """One number of one parameter: how far two posteriors are apart."""

    parameter: str
    quantity: str
    in_mcse: float
    in_sds: float


def scalars(posterior: xr.Dataset) -> dict[str, np.ndarray]:
    """Draws of every scalar by ArviZ's name, shape (chain, draw)."""
    found = {}
    for name, values in posterior.data_vars.items():
        dims = [d for d in values.dims if d not in ("chain", "draw")]
        table = values.transpose("chain", "draw", *dims)
        for index in np.ndindex(table.shape[2:]):
            labels = [str(table[d].values[i]) for d, i in zip(dims, index, strict=True)]
            found[f"{name}[{', '.join(labels)}]" if labels else str(name)] = table.values[(..., *index)]
    return found


def _estimates(draws: np.ndarray, efficiency: float, tail_above: float | None) -> dict[str, tuple]:
    """Each quantity with its Monte Carlo standard error."""

    def mcse(values, **options):
        return float(array_stats.mcse(values, **_AXES, **options)) / np.sqrt(efficiency)

    found = {"mean": (draws.mean(), mcse(draws, method="mean"))}
    for q in QUANTILES:
        found[f"q{100 * q:.0f}"] = (np.quantile(draws, q), mcse(draws, method="quantile", prob=q))
    if tail_above is not None:
        tail = (draws > tail_above).astype(float)
        share = float(np.clip(tail.mean(), 1 / tail.size, 1 - 1 / tail.size))
        ess = float(array_stats.ess(tail, **_AXES, method="mean")) if 0 < tail.mean() < 1 else tail.size / 10
        found[f"P(> {tail_above:.2g})"] = (tail.mean(), np.sqrt(share * (1 - share) / (ess * efficiency)))
    return found


def deviations(ours: xr.DataTree, theirs: xr.DataTree) -> list[Deviation]:
    """Means, 5, 50 and 95 % quantiles of every parameter, and tail probabilities of group sds."""
    first, second = (tree["posterior"].to_dataset() for tree in (ours, theirs))
    efficiency = float(first.attrs.get("efficiency", 1.0))
    peers = scalars(second)
    found = []
    for name, draws in scalars(first).items():
        peer = peers[name]
        tail = float(np.quantile(peer, 0.9)) if "_sigma" in name else None
        mine, other = _estimates(draws, efficiency, tail), _estimates(peer, 1.0, tail)
        for quantity, (value, error) in mine.items():
            distance = abs(value - other[quantity][0])
            scale = 1.0 if quantity.startswith("P") else float(peer.std())
            found.append(
                Deviation(
                    name, quantity, distance / float(np.hypot(error, other[quantity][1])), distance / scale
                )
            )
    return found


def worst(found: list[Deviation]) -> Deviation:
    """The largest deviation in units of Monte Carlo error."""
    return max(found, key=lambda deviation: deviation.in_mcse)


def largest_rhat(tree: xr.DataTree) -> float:
    """Over all scalars of the posterior."""
    draws = scalars(tree["posterior"].to_dataset()).values()
    return max(float(array_stats.rhat(d, **_AXES)) for d in draws)
