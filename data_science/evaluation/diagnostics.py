"""Measure one fit: convergence, effective sample size, energy, predictive rate. Judging is gates.py's.

Changes with ArviZ, or when something else about a fit is to be measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from data_science.arrays import Floats, Mask
from data_science.arviz_functions import array_stats
from data_science.engines.posterior import Levels
from data_science.formula.encoding import Encoding
from data_science.likelihood import binomial
from data_science.likelihood.compression import Cells
from data_science.likelihood.linear_predictor import linear_predictor
from data_science.likelihood.log_joint import LogJoint

_AXES = {"chain_axis": 0, "draw_axis": 1}
_ESS: dict[str, dict[str, Any]] = {"bulk": {}, "tail": {"prob": (0.05, 0.95)}, "mean": {}}
_NODE_DRAWS, _FEWEST_DRAWS = 3_000_000, 25  # rows times draws: a tenth of a second of work
_REPLICATIONS = 2_000  # of which quantiles are taken
_AT_ONCE = 30_000  # rows times draws: what stays in the processor's cache
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
    asked_for_each: int = 1  # draws asked for that make one more, where an engine keeps fewer
    rhat_by_chance: float = 0.0  # what the worst of so many r_hat reaches by chance, once in a hundred fits

    def to_json(self) -> dict[str, Any]:
        """Represent the measurements with JSON types."""
        return {**asdict(self), "predicted_rate": list(self.predicted_rate)}


def summary(tree: xr.DataTree, levels: Levels | None = None) -> pd.DataFrame:
    """Posterior of every parameter, raw scale.

    Parameters
    ----------
    tree : DataTree
    levels : Levels, optional
        Of the factor that was integrated out, where their moments and quantiles are known without draws.

    Returns
    -------
    DataFrame
        Indexed by Bambi's parameter names (``1|attr_a[2]``), columns mean, sd, q5, q50, q95, ess_bulk,
        ess_tail, r_hat, mcse_mean. For independent draws from importance resampling, the effective sample
        sizes carry the weights' efficiency. Levels that were integrated out are drawn independently given
        such draws: their effective sample size is the weights', and r_hat, which compares chains, is NaN.
    """
    posterior = tree["posterior"].to_dataset()
    term = "" if levels is None else str(posterior.attrs["integrated"])
    names, draws = _flat(posterior if levels is None else posterior.drop_vars(term))
    efficiency = float(posterior.attrs.get("efficiency", 1.0))
    examined = ~integrated(posterior.attrs, names)
    n_effective = np.full(len(names), draws.shape[0] * draws.shape[1] * efficiency)
    statistics = {f"ess_{method}": n_effective.copy() for method in _ESS} | {
        "r_hat": np.full(len(names), np.nan)
    }
    for method, options in _ESS.items():
        found = array_stats.ess(draws[..., examined], **_AXES, method=method, **options)
        statistics[f"ess_{method}"][examined] = found * efficiency
    statistics["r_hat"][examined] = array_stats.rhat(draws[..., examined], **_AXES)
    sd = draws.std(axis=(0, 1), ddof=1)
    quantiles = np.quantile(draws, [0.05, 0.5, 0.95], axis=(0, 1))
    table = {
        "mean": draws.mean(axis=(0, 1)),
        "sd": sd,
        **dict(zip(("q5", "q50", "q95"), quantiles, strict=True)),
        "ess_bulk": statistics["ess_bulk"],
        "ess_tail": statistics["ess_tail"],
        "r_hat": statistics["r_hat"],
        "mcse_mean": sd / np.sqrt(statistics["ess_mean"]),
    }
    found = pd.DataFrame(table, index=pd.Index(names, name="parameter"))
    if levels is None:
        return found
    known = _known(posterior, term, levels, draws.shape[0] * draws.shape[1] * efficiency)
    variables = [str(name) for name in posterior.data_vars]
    before = found.index.isin(_flat(posterior[variables[: variables.index(term)]])[0])
    return pd.concat([found[before], known[found.columns], found[~before]])


def _known(posterior: xr.Dataset, term: str, levels: Levels, n_effective: float) -> pd.DataFrame:
    """Rows of a table of the factor that was integrated out, from what is known without draws."""
    effects = posterior[term]
    names = [f"{term}{suffix}" for suffix in _suffixes(effects, [effects.dims[-1]])]
    index = pd.Index(names, name="parameter")
    table = pd.DataFrame(levels.quantiles, index=index, columns=["q5", "q50", "q95"])
    table = table.assign(mean=levels.mean, sd=levels.sd, r_hat=np.nan)
    error = levels.sd / np.sqrt(n_effective)
    return table.assign(ess_bulk=n_effective, ess_tail=n_effective, mcse_mean=error)


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
    r_hat = table["r_hat"][~integrated(posterior.attrs, table.index)]
    khat = posterior.attrs.get("khat")
    return Diagnostics(
        engine=str(posterior.attrs["engine"]),
        n_chains=posterior.sizes["chain"],
        n_draws=posterior.sizes["draw"],
        rhat_max=float(r_hat.max(skipna=False)),
        rhat_worst=_worst(r_hat),
        ess_bulk_min=float(table["ess_bulk"].min(skipna=False)),
        ess_tail_min=float(table["ess_tail"].min(skipna=False)),
        ess_worst=_worst(-lowest_ess),
        all_finite=finite,
        observed_rate=observed_rate,
        predicted_rate=predicted_rate,
        n_divergences=int(statistics["diverging"].sum()) if "diverging" in statistics else None,
        bfmi_min=_bfmi(statistics["energy"].values) if "energy" in statistics else None,
        khat=None if khat is None else float(khat),
        asked_for_each=int(posterior.attrs.get("asked_for_each", 1)),
        rhat_by_chance=worst_rhat_by_chance(len(r_hat), posterior.sizes["chain"], posterior.sizes["draw"]),
    )


def integrated(attributes: Mapping[Any, Any], names: Sequence[str] | pd.Index[str]) -> Mask:
    """Mark the parameters that are levels of the factor that was integrated out, if one was."""
    term = attributes.get("integrated")
    if term is None:
        return np.zeros(len(names), dtype=bool)
    return np.asarray(pd.Index(names, dtype=str).str.startswith(f"{term}["), dtype=bool)


def worst_rhat_by_chance(n_parameters: int, n_chains: int, n_draws: int, chance: float = 0.01) -> float:
    """Quantile of the largest r_hat of well-mixed chains of independent draws.

    r_hat^2 is ``1 + (F - 1) / n`` for split chains of length n, with F the ratio of the variances between
    and within them, which has nearly the F distribution of an analysis of variance. r_hat is the larger of
    two, of ranks and of folded ranks, and there are as many pairs as parameters (Bonferroni).

    Parameters
    ----------
    n_parameters, n_chains, n_draws : int
    chance : float
        That the largest is beyond, where nothing is wrong.
    """
    n_split, length = 2 * n_chains, n_draws // 2
    if length < 2 or n_parameters == 0:
        return 0.0
    ratio = stats.f.isf(chance / (2 * n_parameters), n_split - 1, n_split * (length - 1))
    return float(np.sqrt(1 + (ratio - 1) / length))


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
    total = joint.weights.sum()
    found = np.array([_rate(joint.eta(row), joint.weights, total) for row in x])
    return _replicated(found[:, 0], found[:, 1], n_trials, seed)


def rate_interval_by_term(
    encoding: Encoding, cells: Cells, coefficients: Floats, n_trials: float, seed: int
) -> tuple[float, float]:
    """As :func:`rate_interval`, from raw coefficients and without a design matrix: for thousands of levels.

    Only some of the draws are replicated, evenly spaced, but each of them several times.
    """
    most = max(_FEWEST_DRAWS, _NODE_DRAWS // max(1, len(cells)))
    keep = np.linspace(0, len(coefficients) - 1, min(most, len(coefficients))).round().astype(int)
    rates, variances, total = np.zeros(len(keep)), np.zeros(len(keep)), cells.weights.sum()
    by_coefficient = np.ascontiguousarray(coefficients[keep].T, dtype=float)
    step = max(1, _AT_ONCE // len(keep))
    for some in (slice(start, start + step) for start in range(0, len(cells), step)):
        eta = linear_predictor(encoding, cells.take(some), by_coefficient)
        rate, variance = _rate(eta, cells.weights[some], total)
        rates, variances = rates + rate, variances + variance
    times = max(1, _REPLICATIONS // len(keep))
    return _replicated(np.repeat(rates, times), np.repeat(variances, times), n_trials, seed)


def _rate(eta: Floats, weights: Floats, total: float) -> tuple[Any, Any]:
    """Return what some cells add to the rate and the variance of a label, of ``total`` trials, by draw."""
    probability = binomial.probability(eta)
    return weights @ probability / total, weights @ binomial.variance(probability, probability) / total


def _replicated(rates: Floats, variances: Floats, n_trials: float, seed: int) -> tuple[float, float]:
    noise = np.random.default_rng(seed).normal(size=len(rates))
    # A sum of many independent labels: the normal limit of its binomial noise is accurate enough here.
    replicated = rates + noise * np.sqrt(variances / n_trials)
    tail = (1 - RATE_PROBABILITY) / 2
    low, high = np.quantile(replicated, [tail, 1 - tail])
    half_success = 0.5 / n_trials  # the rate moves in steps of one success
    return float(low - half_success), float(high + half_success)


def _flat(posterior: xr.Dataset) -> tuple[list[str], Floats]:
    """Names of all scalars and their draws, shape (chain, draw, parameter)."""
    names: list[str] = []
    parts = []
    for name, values in posterior.data_vars.items():
        own = [dim for dim in values.dims if dim not in ("chain", "draw")]
        names += [str(name) + suffix for suffix in _suffixes(values, own)]
        # xarray's `to_numpy` imports every library of arrays that is installed, numba among them.
        parts.append(values.transpose("chain", "draw", *own).values.reshape(*values.shape[:2], -1))
    return names, np.concatenate(parts, axis=2)


def _suffixes(values: xr.DataArray, dims: list[Any]) -> Iterator[str]:
    if not dims:
        yield ""
        return
    for labels in product(*(values[dim].values.tolist() for dim in dims)):
        yield f"[{', '.join(map(str, labels))}]"


def _worst(badness: pd.Series[float]) -> str:
    """Name of the parameter with the largest value; a NaN is worse than any number."""
    return str(badness.fillna(np.inf).idxmax())


def _bfmi(energy: Floats) -> float:
    """Lowest energy Bayesian fraction of missing information over chains (Betancourt 2016, 1604.00695)."""
    return float(np.min(array_stats.bfmi(energy, **_AXES)))
