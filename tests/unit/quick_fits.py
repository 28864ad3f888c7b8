"""Fits without an engine: normal draws around the mode, and leave-one-out by a penalty for each parameter."""

import numpy as np

from data_science.engines.posterior import Posterior
from data_science.evaluation.blind import blind_predictor
from data_science.evaluation.candidates import BASELINE, MODEL
from data_science.evaluation.comparison import Comparison
from data_science.evaluation.loo import Loo
from data_science.fitting.posterior_on import Fitted, posed
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import binomial
from data_science.likelihood.linear_predictor import linear_predictor
from data_science.settings.fit import FitSettings

N_DRAWS = 500


def fitted_at_mode(frame, specification=None):
    """Return a fit whose posterior is normal at the mode of the coefficients."""
    problem = posed(frame, specification or ModelSpecification(), FitSettings())
    mode, at = problem.compressed.mode, problem.compressed.at
    rng = np.random.default_rng(1)
    x = np.array([mode.x + mode.factor.solve_upper(rng.normal(size=len(mode.x))) for _ in range(N_DRAWS)])
    sds = np.broadcast_to(at.sds_to_raw(mode.theta), (1, N_DRAWS, len(mode.theta)))
    return Fitted(problem, Posterior(at.to_raw(x)[None], sds, {}, {"engine": "by hand"}))


def compared_at_mode(fitted, n_parameters=5.0):
    """Compare with the overall rate (and offsets); each row pays its share of ``n_parameters`` nats."""
    rows, n = fitted.problem.rows, len(fitted.problem.rows)
    mean = fitted.posterior.coefficients.mean(axis=(0, 1))
    eta = linear_predictor(fitted.design.encoding, rows, mean[:, None])
    offset = fitted.design.encoding.offset(rows.numeric, n)
    alone = blind_predictor(rows, offset)[:, None]
    loos = {
        name: Loo(
            binomial.log_probability(rows.successes, rows.trials, line)[:, 0] - p / n,
            np.full(n, p / n), np.ones(n), n, np.zeros(n),
        )
        for name, line, p in ((MODEL, eta, n_parameters), (BASELINE, alone, 1.0))
    }  # fmt: skip
    return Comparison(loos, {}, {MODEL: 1.0, BASELINE: 0.0})
