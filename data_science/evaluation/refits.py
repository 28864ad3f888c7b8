"""Leave a row out by fitting without it where importance sampling cannot: a few, and the rest is counted."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
from scipy.special import logsumexp

from data_science.arrays import Floats
from data_science.engines.registry import FitSettings, engine
from data_science.errors import GateError
from data_science.evaluation.loo import Loo
from data_science.evaluation.pointwise import Pooled
from data_science.fitting.posterior_on import Fitted, drawn_by_engine
from data_science.formula.rows import Observations
from data_science.formula.tallied import Tallied
from data_science.likelihood import binomial
from data_science.likelihood.arrow import Order
from data_science.likelihood.compression import merge
from data_science.likelihood.fidelity import Assembled, Compressed
from data_science.likelihood.linear_predictor import linear_predictor
from data_science.likelihood.log_joint import LogJoint, Statistics
from data_science.limits import KHAT_MAX

log = logging.getLogger(__name__)
#: Rows of one fit that are left out by refitting, those of the highest k-hat first.
REFITS_MAX = 10
_SETTINGS = FitSettings(engine="nested-laplace", second_opinion=False)


def refitted(fitted: Fitted, observations: Pooled, found: Loo, seed: int = 1) -> Loo:
    """Replace scores whose k-hat is high by those of fits without the row.

    A node that stands for rows which differ is left as it is, and so are rows beyond :data:`REFITS_MAX`, or
    after one without which there is no fit; their k-hat says so.

    Parameters
    ----------
    fitted : Fitted
    observations : Pooled
        The nodes at which ``found`` was measured.
    found : Loo
    seed : int
        Of the fits without a row.
    """
    high = np.flatnonzero(~(found.khat <= KHAT_MAX))
    if not len(high) or isinstance(fitted.problem.rows, Tallied):  # no single row is at hand
        return found
    pointwise, khat, n_refitted = found.pointwise.copy(), found.khat.copy(), 0.0
    scores: dict[int, float] = {}
    settings = replace(_SETTINGS, seed=seed)
    for node in high[np.argsort(-np.nan_to_num(khat[high], nan=np.inf), kind="stable")]:
        row = _row_at(fitted, observations.rows, int(node))
        if row is None:
            continue
        if row not in scores:
            score = None if len(scores) == REFITS_MAX else _left_out(fitted, row, settings)
            if score is None:
                break
            scores[row] = score
        pointwise[node], khat[node] = scores[row], 0.0
        n_refitted += observations.weights[node]
    p = found.p_pointwise + found.pointwise - pointwise  # what the row itself had added, by its own fit
    return replace(found, pointwise=pointwise, p_pointwise=p, khat=khat, n_refitted=round(n_refitted))


def _row_at(fitted: Fitted, nodes: Observations, node: int) -> int | None:
    """Return a row that is what the fit reads of a node, if there is one."""
    rows, encoding = fitted.problem.rows, fitted.design.encoding
    same = (rows.successes == nodes.successes[node]) & (rows.trials == nodes.trials[node])
    for factor in encoding.factors:
        same &= rows.codes[factor.column] == nodes.codes[factor.column][node]
    for column in encoding.numeric_columns:
        same &= rows.numeric[column] == nodes.numeric[column][node]
    return int(same.argmax()) if same.any() else None


def _left_out(fitted: Fitted, row: int, settings: FitSettings) -> float | None:
    """Log probability of a row's response by the posterior of the others under the same priors."""
    problem = fitted.problem
    design, at = problem.design, problem.compressed.at  # the units of the priors stay those of all rows
    others = problem.rows.take(np.arange(len(problem.rows)) != row)
    cells, statistics = merge(others), Statistics.of(design.encoding, others)
    density = Assembled(lambda: LogJoint.of(design, cells, statistics, at), Order.of(design.encoding))
    without = Compressed(cells, others.successes, statistics, at, density, 0.0)
    try:
        posterior, *_ = drawn_by_engine(engine(settings.engine), design, without, settings, lambda _: None)
    except (GateError, np.linalg.LinAlgError) as declined:
        log.info("row %d is not left out by refitting: %s", row, declined)
        return None
    left = problem.rows.take(np.array([row]))
    coefficients: Floats = posterior.coefficients.reshape(-1, posterior.coefficients.shape[-1])
    eta = linear_predictor(problem.design.encoding, left, np.ascontiguousarray(coefficients.T))
    values = binomial.log_probability(left.successes, left.trials, eta)
    return float(logsumexp(values) - np.log(values.size))
