"""What the priors alone allow, and how much they matter: draws, log densities, power scaling.

Changes when sensitivity is measured in another way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from data_science.arrays import Floats
from data_science.evaluation.pointwise import log_likelihood, pool, raw_design
from data_science.evaluation.replication import draws_of, raw_matrix, replicate
from data_science.formula.design import Design, blocks, encode
from data_science.formula.priors import IndependentPriors
from data_science.likelihood.binomial import probability
from data_science.limits import SENSITIVE


def draw_coefficients(
    design: Design, frame: pd.DataFrame, n_draws: int = 1_000, *, seed: int = 1
) -> tuple[Floats, Floats]:
    """Draw coefficients and group sds from the priors.

    Parameters
    ----------
    design : Design
        Its priors are per unit of the raw columns, the intercept's at centred common predictors.
    frame : DataFrame
        Rows at whose means the predictors are centred.
    n_draws, seed : int

    Returns
    -------
    array, shape (draw, coefficient)
        Per unit of the raw columns, the intercept where every predictor is zero.
    array, shape (draw, sd)
    """
    rng, encoding = np.random.default_rng(seed), design.encoding
    coefficients = np.empty((n_draws, encoding.n_coefficients))
    for term in encoding.common:
        for expression in range(term.n_coefficients):
            drawn = design.prior(term, expression).draw(n_draws, rng)
            coefficients[:, encoding.slices[term.name].start + expression] = drawn
    drawn_sds = [design.prior(*block).draw(n_draws, rng) for block in blocks(encoding)]
    sds = np.stack(drawn_sds, axis=1) if drawn_sds else np.empty((n_draws, 0))
    first = 0
    for term in encoding.group_specific:
        shape = (n_draws, term.n_expressions, term.n_groups)
        scale = sds[:, first : first + term.n_expressions, None]
        coefficients[:, encoding.slices[term.name]] = (scale * rng.normal(size=shape)).reshape(n_draws, -1)
        first += term.n_expressions
    if design.has_intercept:
        coefficients[:, 0] -= coefficients @ _centre(design, frame)
    return coefficients, sds


def prior_rates(
    design: Design,
    frame: pd.DataFrame,
    groups: Mapping[str, pd.Series[str]],
    *,
    n_draws: int = 400,
    n_clients: int = 5_000,
    seed: int = 1,
) -> dict[str, Floats]:
    """Simulate the label rate of each group from the prior alone.

    Parameters
    ----------
    design : Design
    frame : DataFrame
    groups : mapping from margin to levels
    n_draws, seed : int
    n_clients : int
        Clients looked at, at random: rates hardly depend on more.

    Returns
    -------
    dict from margin to array, shape (draw, group)
    """
    coefficients, _ = draw_coefficients(design, frame, n_draws, seed=seed)
    some = frame.sample(min(n_clients, len(frame)), random_state=seed)
    some_groups = {name: levels.loc[some.index] for name, levels in groups.items()}
    found = replicate(design, some, some_groups, coefficients, seed=seed)
    return {name: margin.expected / margin.n for name, margin in found.items()}


def prior_overall_rate(
    design: Design, frame: pd.DataFrame, *, n_draws: int = 2_000, n_clients: int = 1_000, seed: int = 1
) -> Floats:
    """Label rate over all clients for each draw of the prior, shape (draw,), from some clients at random."""
    coefficients, _ = draw_coefficients(design, frame, n_draws, seed=seed)
    some = frame.sample(min(n_clients, len(frame)), random_state=seed)
    matrix, offset = raw_design(design.encoding, encode(design, some))
    eta = np.asarray(matrix @ coefficients.T) + offset
    found: Floats = probability(eta).mean(axis=0)
    return found


def prior_probabilities(
    design: Design, frame: pd.DataFrame, *, n_draws: int = 4_000, seed: int = 1
) -> Floats:
    """Probability of label 1 of one random client for each draw of the prior, shape (draw,)."""
    coefficients, _ = draw_coefficients(design, frame, n_draws, seed=seed)
    some = frame.sample(n_draws, replace=True, random_state=seed)
    matrix, offset = raw_design(design.encoding, encode(design, some))
    eta = (np.asarray(matrix) * coefficients).sum(axis=1) + offset[:, 0]
    return probability(eta)


def widened(design: Design, factor: float) -> Design:
    """Return the design with every prior made wider by a factor."""
    return replace(design, priors={name: prior.scaled(factor) for name, prior in design.priors.items()})


def stated(design: Design) -> pd.DataFrame:
    """Table of the priors, per standard deviation of a numeric predictor and per unit of its column."""
    terms = {term.name: term for term in design.specification.terms}
    found = {
        f"sd of {name}" if "|" in name else name: {
            "per standard deviation": str(design.specification.prior(terms[name])),
            "per unit": str(prior),
        }
        for name, prior in design.priors.items()
    }
    return pd.DataFrame.from_dict(found, orient="index")


def with_log_densities(
    design: Design, frame: pd.DataFrame, posterior: xr.DataTree, quantities: xr.Dataset | None = None
) -> xr.DataTree:
    """Return the posterior with the groups ``log_prior`` and ``log_likelihood`` that power scaling needs.

    The prior is that of intercept, slopes and group sds: scaling the distribution of the group effects too
    would change the model, not the prior (Kallioinen et al. 2024, section 2.4). The likelihood is summed over
    clients, from nodes.

    Parameters
    ----------
    design : Design
    frame : DataFrame
    posterior : DataTree
    quantities : Dataset, optional
        What is looked at instead of the parameters, draw by draw. Parameters that depend strongly on each
        other, as an intercept and its levels' effects do, show less than their differences.
    """
    coefficients, sds = draws_of(design, posterior)
    observations = pool(encode(design, frame))
    pooled = coefficients.reshape(-1, coefficients.shape[-1])
    likelihood = observations.weights @ log_likelihood(design.encoding, observations.rows, pooled)
    totals = {
        "log_likelihood": likelihood.reshape(coefficients.shape[:2]),
        "log_prior": _log_prior(design, frame, coefficients, sds),
    }
    dataset = posterior["posterior"].to_dataset()
    index = {name: dataset[name] for name in ("chain", "draw")}
    groups = {
        name: xr.Dataset({"total": (("chain", "draw"), values)}, index) for name, values in totals.items()
    }
    return xr.DataTree.from_dict({"posterior": dataset if quantities is None else quantities, **groups})


def power_scaling(tree: xr.DataTree) -> pd.DataFrame:
    """Sensitivity of every parameter to scaling prior and likelihood by a power near one.

    Parameters
    ----------
    tree : DataTree
        From :func:`with_log_densities`.

    Returns
    -------
    DataFrame
        Indexed by parameter: ``prior``, ``likelihood``, and ``diagnosis`` in words.
    """
    found = pd.DataFrame({group: _sensitivity(tree, group) for group in ("prior", "likelihood")})
    by_prior, by_data = found["prior"] >= SENSITIVE, found["likelihood"] >= SENSITIVE
    words = np.select(
        [by_prior & by_data, by_prior],
        ["prior and data both matter", "the prior matters more"],
        "no sign of sensitivity",
    )
    return found.assign(diagnosis=words)


def _sensitivity(tree: xr.DataTree, group: str) -> pd.Series[float]:
    values = {}
    for name, found in az.psense(tree, group=group).data_vars.items():
        for position in np.ndindex(found.shape):
            level = ", ".join(str(found[dim].values[i]) for dim, i in zip(found.dims, position, strict=True))
            values[f"{name}[{level}]" if level else str(name)] = float(found.values[position])
    return pd.Series(values)


def _log_prior(design: Design, frame: pd.DataFrame, coefficients: Floats, sds: Floats) -> Floats:
    encoding = design.encoding
    centred = coefficients[..., : encoding.n_common].copy()
    if design.has_intercept:
        centred[..., 0] += coefficients @ _centre(design, frame)
    priors = [design.prior(term, k) for term in encoding.common for k in range(term.n_coefficients)]
    priors += [design.prior(*block) for block in blocks(encoding)]
    values = np.concatenate([centred, sds], axis=-1)
    return IndependentPriors.of(priors).log_density(values).value.sum(axis=-1)


def _centre(design: Design, frame: pd.DataFrame) -> Floats:
    """Means of the common columns, which the prior of the intercept is stated at; zero elsewhere."""
    n_common = design.encoding.n_common
    centre = np.zeros(design.encoding.n_coefficients)
    centre[1:n_common] = np.asarray(raw_matrix(design, frame)[:, 1:n_common].mean(axis=0)).ravel()
    return centre
