"""Measure one fit: convergence, effective sample size, energy, predictive rate. Judging is gates.py's.

Changes with ArviZ, or when something else about a fit is to be measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats

from data_science.arrays import Floats
from data_science.likelihood import binomial
from data_science.likelihood.log_joint import LogJoint

_AXES = {"chain_axis": 0, "draw_axis": 1}
_ESS: dict[str, dict[str, Any]] = {"bulk": {}, "tail": {"prob": (0.05, 0.95)}, "mean": {}}
RATE_PROBABILITY = 0.99  # central predictive interval of the label's rate that must cover the observed one


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What was measured of one fit; None if the engine has no such quantity."""

    engine: str
    n_chains: int
    n_draws: int  # per chain
    rhat_max: float
    rhat_worst: str  # parameter
    ess_bulk_min: float
    ess_tail_min: float
    ess_worst: str  # parameter
    all_finite: bool
    observed_rate: float  # successes per trial
    predicted_rate: tuple[float, float]  # central interval of the replicated rate
    n_divergences: int | None = None
    bfmi_min: float | None = None
    khat: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Represent the measurements with JSON types."""
        return {**asdict(self), "predicted_rate": list(self.predicted_rate)}


def summary(tree: xr.DataTree) -> pd.DataFrame:
    """Posterior of every parameter, raw scale.

    Returns
    -------
    DataFrame
        Indexed by Bambi's parameter names (``1|attr_a[2]``), columns mean, sd, q5, q50, q95, ess_bulk,
        ess_tail, r_hat, mcse_mean. For independent draws from importance resampling, the effective sample
        sizes carry the weights' efficiency.
    """
    posterior = tree["posterior"].to_dataset()
    names, draws = _flat(posterior)
    efficiency = float(posterior.attrs.get("efficiency", 1.0))
    statistics = {
        f"ess_{method}": array_stats.ess(draws, **_AXES, method=method, **options) * efficiency
        for method, options in _ESS.items()
    }
    sd = draws.std(axis=(0, 1), ddof=1)
    quantiles = np.quantile(draws, [0.05, 0.5, 0.95], axis=(0, 1))
    table = {
        "mean": draws.mean(axis=(0, 1)),
        "sd": sd,
        **dict(zip(("q5", "q50", "q95"), quantiles, strict=True)),
        "ess_bulk": statistics["ess_bulk"],
        "ess_tail": statistics["ess_tail"],
        "r_hat": array_stats.rhat(draws, **_AXES),
        "mcse_mean": sd / np.sqrt(statistics["ess_mean"]),
    }
    return pd.DataFrame(table, index=pd.Index(names, name="parameter"))


def measure(
    tree: xr.DataTree, table: pd.DataFrame, predicted_rate: tuple[float, float], observed_rate: float
) -> Diagnostics:
    """Collect the worst of each diagnostic.

    Parameters
    ----------
    tree : DataTree
        Posterior and sampler statistics.
    table : DataFrame
        From :func:`summary`.
    predicted_rate, observed_rate
        From :func:`rate_interval`, and the rate in the data.
    """
    posterior = tree["posterior"]
    statistics = dict(tree["sample_stats"].data_vars) if "sample_stats" in tree.children else {}
    finite = all(bool(np.isfinite(values).all()) for values in posterior.data_vars.values())
    lowest_ess = table[["ess_bulk", "ess_tail"]].min(axis=1)
    khat = posterior.attrs.get("khat")
    return Diagnostics(
        engine=str(posterior.attrs["engine"]),
        n_chains=posterior.sizes["chain"],
        n_draws=posterior.sizes["draw"],
        rhat_max=float(table["r_hat"].max(skipna=False)),
        rhat_worst=_worst(table["r_hat"]),
        ess_bulk_min=float(table["ess_bulk"].min(skipna=False)),
        ess_tail_min=float(table["ess_tail"].min(skipna=False)),
        ess_worst=_worst(-lowest_ess),
        all_finite=finite,
        observed_rate=observed_rate,
        predicted_rate=predicted_rate,
        n_divergences=int(statistics["diverging"].sum()) if "diverging" in statistics else None,
        bfmi_min=_bfmi(statistics["energy"].to_numpy()) if "energy" in statistics else None,
        khat=None if khat is None else float(khat),
    )


def rate_interval(joint: LogJoint, x: Floats, n_trials: float, seed: int) -> tuple[float, float]:
    """Central :data:`RATE_PROBABILITY` interval of the label's rate in data replicated from the posterior.

    Parameters
    ----------
    joint : LogJoint
    x : array, shape (draw, coefficient)
        Draws in standard coordinates.
    n_trials : float
    seed : int
        Of the replications.
    """
    rates, variances = _rates(joint, x)
    noise = np.random.default_rng(seed).normal(size=len(rates))
    # A sum of many independent labels: the normal limit of its binomial noise is accurate enough here.
    replicated = rates + noise * np.sqrt(variances / n_trials)
    tail = (1 - RATE_PROBABILITY) / 2
    low, high = np.quantile(replicated, [tail, 1 - tail])
    half_success = 0.5 / n_trials  # the rate moves in steps of one success
    return float(low - half_success), float(high + half_success)


def _rates(joint: LogJoint, x: Floats) -> tuple[Floats, Floats]:
    total = joint.weights.sum()
    rates, variances = np.empty(len(x)), np.empty(len(x))
    for i, row in enumerate(x):
        probability = binomial.probability(joint.matrix @ row)
        rates[i] = probability @ joint.weights / total
        variances[i] = (probability * (1 - probability)) @ joint.weights / total
    return rates, variances


def _flat(posterior: xr.Dataset) -> tuple[list[str], Floats]:
    """Names of all scalars and their draws, shape (chain, draw, parameter)."""
    names: list[str] = []
    parts = []
    for name, values in posterior.data_vars.items():
        own = [dim for dim in values.dims if dim not in ("chain", "draw")]
        names += [str(name) + suffix for suffix in _suffixes(values, own)]
        parts.append(values.transpose("chain", "draw", *own).to_numpy().reshape(*values.shape[:2], -1))
    return names, np.concatenate(parts, axis=2)


def _suffixes(values: xr.DataArray, dims: list[Any]) -> Iterator[str]:
    if not dims:
        yield ""
        return
    for position in np.ndindex(*(values.sizes[dim] for dim in dims)):
        yield f"[{', '.join(str(values[d].values[i]) for d, i in zip(dims, position, strict=True))}]"


def _worst(badness: pd.Series[float]) -> str:
    """Name of the parameter with the largest value; a NaN is worse than any number."""
    return str(badness.fillna(np.inf).idxmax())


def _bfmi(energy: Floats) -> float:
    """Lowest energy Bayesian fraction of missing information over chains (Betancourt 2016, 1604.00695)."""
    numerator = np.square(np.diff(energy, axis=1)).mean(axis=1)
    return float((numerator / energy.var(axis=1)).min())
