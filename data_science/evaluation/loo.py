"""Expected log predictive density per client, by PSIS-LOO and WAIC, from nodes.

Vehtari, Gelman and Gabry 2017, doi:10.1007/s11222-016-9696-4; Pareto smoothing: Vehtari et al. 2024,
jmlr.org/papers/v25/19-556.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.engines.posterior import Posterior
from data_science.evaluation import pareto
from data_science.evaluation.pointwise import Pooled, distinct, log_likelihood_at, pool, raw_design
from data_science.formula.design import Design
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Observations
from data_science.likelihood import binomial
from data_science.limits import KHAT_MAX

if TYPE_CHECKING:
    from data_science.likelihood.collapse.left_out import LeftOut

#: Posterior draws used; the Monte Carlo error of elpd is far below its standard error.
DRAWS = 2_000
#: Nodes whose design is formed at once; log-likelihoods that stay in the cache.
_ROWS, _BLOCK = 20_000, 100_000
_CONSTANT = 1e-12  # spread of a log-likelihood over draws below which leaving out changes nothing


@dataclass(frozen=True, slots=True)
class Elpd:
    """Expected log pointwise predictive density of ``n_rows`` observations, from weighted nodes."""

    pointwise: Floats  # (node,), nats per observation
    p_pointwise: Floats  # (node,), what the observation's own influence had added
    weights: Floats  # (node,), observations a node stands for
    n_rows: int

    @property
    def elpd(self) -> float:
        """Sum over observations, in nats."""
        return float(self.weights @ self.pointwise)

    @property
    def se(self) -> float:
        """Standard error of ``elpd``: observations are a sample of clients."""
        return standard_error(self.pointwise, self.weights, self.n_rows)

    @property
    def p(self) -> float:
        """Effective number of parameters."""
        return float(self.weights @ self.p_pointwise)


@dataclass(frozen=True, slots=True)
class Loo(Elpd):
    """PSIS-LOO, with the Pareto k-hat of each node."""

    khat: Floats  # (node,)
    n_refitted: int = 0  # observations whose score is that of a fit without them

    @property
    def khat_max(self) -> float:
        """Largest k-hat; NaN if any is."""
        return float(self.khat.max())

    @property
    def n_khat_high(self) -> int:
        """Observations whose elpd is not reliable."""
        # not "k > limit": a NaN must not pass for good
        return round(float(self.weights[~(self.khat <= KHAT_MAX)].sum()))


def loo(
    design: Design,
    rows: Observations,
    posterior: Posterior,
    *,
    n_nodes: int | None = None,
    n_draws: int = DRAWS,
) -> Loo:
    """Leave one observation out, for each in turn, by Pareto-smoothed importance sampling.

    Parameters
    ----------
    design : Design
    rows : Observations
        Raw observations that ``posterior`` was fitted to.
    posterior : Posterior
    n_nodes : int, optional
        Gauss nodes per cell and response; see :func:`data_science.evaluation.pointwise.pool`.
    n_draws : int
        Posterior draws used, evenly spaced over the pooled chains and taken as independent.
    """
    return measure(design, pool(rows, n_nodes), posterior, n_draws=n_draws)[0]


def measure(
    design: Design, observations: Pooled, posterior: Posterior, *, n_draws: int = DRAWS
) -> tuple[Loo, Elpd]:
    """PSIS-LOO and WAIC from one pass over the nodes."""
    # One trial a row: exactly, where a factor was integrated out.
    exact = posterior.left_out if (observations.rows.trials == 1).all() else None
    own, index = _own_nodes(design.encoding, observations.rows)
    if exact is not None:
        parts = [
            _measure_exactly(design.encoding, own.take(slice(start, start + _ROWS)), exact)
            for start in range(0, len(own), _ROWS)
        ]
    else:
        coefficients, _ = posterior.thinned(n_draws)
        parts = [
            _measure(design.encoding, own.take(slice(start, start + _ROWS)), coefficients)
            for start in range(0, len(own), _ROWS)
        ]
    lppd, elpd_loo, khat, p_waic = np.concatenate(parts, axis=1)[:, index]
    shared = observations.weights, observations.n_rows
    return Loo(elpd_loo, lppd - elpd_loo, *shared, khat), Elpd(lppd - p_waic, p_waic, *shared)


def _own_nodes(encoding: Encoding, rows: Observations) -> tuple[Observations, Ints | slice]:
    """Nodes that are told apart: few for a candidate that reads few columns; two, intercept-only."""
    codes, numeric = {factor.column for factor in encoding.factors}, set(encoding.numeric_columns)
    if codes == rows.codes.keys() and numeric == rows.numeric.keys():
        return rows, slice(None)  # they have been pooled by what is read
    return distinct(encoding, rows)


def standard_error(values: Floats, weights: Floats, n_rows: int) -> float:
    """Estimate the standard error of a sum over observations, ``sqrt(n var)``, from weighted nodes."""
    mean = weights @ values / n_rows
    variance = weights @ (values - mean) ** 2 / max(n_rows - 1, 1)
    return float(np.sqrt(n_rows * variance))


def _measure_exactly(encoding: Encoding, rows: Observations, exact: LeftOut) -> Floats:
    """As :func:`_measure` for rows of one trial: no importance ratio, and so no tail and a k-hat of zero."""
    lppd, elpd_loo, p_waic = exact.scores(encoding, rows)
    return np.stack([lppd, elpd_loo, np.zeros(len(lppd)), p_waic])


def _measure(encoding: Encoding, rows: Observations, coefficients: Floats) -> Floats:
    """Rows ``lppd, elpd_loo, khat, p_waic``, one column per node."""
    (matrix, offset), step = raw_design(encoding, rows), max(1, _BLOCK // len(coefficients))
    blocks = (slice(start, start + step) for start in range(0, len(rows), step))
    parts = []
    for some in blocks:
        eta = np.asarray(matrix[some] @ coefficients.T) + offset[some]
        parts.append(_of_block(eta, rows.successes[some], rows.trials[some]))
    return np.concatenate(parts, axis=1)


def _of_block(eta: Floats, successes: Floats, trials: Floats) -> Floats:
    if (trials == 1).all():
        lowest = np.zeros(len(eta))
        ratios = binomial.reciprocal_probability(np.where(successes[:, None] == 1, eta, -eta))
        values = np.log(ratios)  # minus the log-likelihood
    else:
        values = log_likelihood_at(eta, successes, trials)
        lowest = values.min(axis=1)
        ratios = np.exp(np.minimum(lowest[:, None] - values, 0.0))
    p_waic = values.var(axis=1, ddof=1)
    varies = np.ptp(values, axis=1) > _CONSTANT  # a constant ratio has no tail to smooth
    lppd, khat = lowest - np.log(ratios[:, 0]), np.zeros(len(eta))
    elpd_loo = lppd.copy()
    if varies.any():
        found = pareto.leave_one_out(ratios if varies.all() else ratios[varies])
        elpd_loo[varies], lppd[varies], khat[varies] = found
        elpd_loo[varies] += lowest[varies]
        lppd[varies] += lowest[varies]
    return np.stack([lppd, elpd_loo, khat, p_waic])
