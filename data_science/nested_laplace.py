"""Engine ``nested-laplace``: the posterior by integration over the group sds, corrected exactly.

1. The Laplace marginal of each log sd, on a grid through the mode, flattened a little, proposes ``theta``.
2. Given ``theta``, a Gaussian at the mode of the coefficients, bent by the third derivative of the
   log-likelihood (which small data need), proposes ``x``.
3. Importance weights are the exact log joint minus the log proposal; Pareto smoothing stabilises them and
   its k-hat is the engine's certificate (Vehtari et al. 2024, jmlr.org/papers/v25/19-556.html).
4. Systematic resampling turns weighted into plain draws.

Rue, Martino and Chopin 2009, doi:10.1111/j.1467-9868.2008.00700.x, give the nesting; here it is only a
proposal, so its approximation error never reaches the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from threadpoolctl import threadpool_limits

from data_science.arrow import Elimination
from data_science.conditional import Conditionals, conditionals
from data_science.encoding import Floats
from data_science.errors import GateError
from data_science.laplace import Mode, transport_at
from data_science.log_joint import Coordinates, LogJoint
from data_science.marginal import Marginal, propose_theta
from data_science.posterior import Posterior

#: Above this k-hat importance sampling cannot be relied on (Vehtari et al. 2024, section 3.2.4).
KHAT_LIMIT = 0.7
_PROBE = 250  # draws that show whether the rest is worth drawing
_HOPELESS = 1.0  # k-hat of the probe above which it is not: the estimate's own error is about 0.2 there
_OVERSAMPLING = 1.25  # proposals per draw kept, so that resampling repeats few of them


@dataclass(frozen=True, slots=True)
class Certificate:
    """What importance sampling says about itself."""

    khat: float  # Pareto shape of the importance ratios' tail
    efficiency: float  # effective share of the proposals, (sum w)^2 / (S sum w^2)
    n_proposals: int

    @property
    def holds(self) -> bool:
        """Whether the draws can be relied on."""
        return self.khat < KHAT_LIMIT


@dataclass(frozen=True, slots=True)
class NestedLaplace:
    """Draws with their certificate; ``posterior`` is None where the probe already refused."""

    posterior: Posterior | None
    certificate: Certificate


def integrate(
    joint: LogJoint,
    elimination: Elimination,
    mode: Mode,
    at: Coordinates,
    *,
    n_draws: int,
    n_chains: int,
    seed: int,
) -> NestedLaplace:
    """Draw from the posterior by nested Laplace and exact importance correction.

    Parameters
    ----------
    joint, elimination, mode, at
        The density, its split design, its reference mode and the way back to the raw scale.
    n_draws, n_chains : int
        Shape of the result. The draws are independent; chains serve tools that expect them.
    seed : int
    """
    rng = np.random.default_rng(seed)
    with threadpool_limits(1):  # matrices of order ten: BLAS threads only wait for each other
        source = Conditionals(joint, elimination, transport_at(joint, mode), mode.x)
        try:
            marginals = propose_theta(source, mode)
            _, _, log_weights = _propose(source, marginals, _PROBE, rng)
        except GateError:  # no conditional mode: nothing to expand around
            return NestedLaplace(None, Certificate(np.inf, 0.0, 0))
        probe = _certify(log_weights)[1]
        if not probe.khat < _HOPELESS:
            return NestedLaplace(None, probe)
        n_proposals = int(np.ceil(_OVERSAMPLING * n_draws * n_chains))
        theta, x, log_weights = _propose(source, marginals, n_proposals, rng)
    weights, certificate = _certify(log_weights)
    kept = rng.permutation(_systematic(weights, n_draws * n_chains, rng))
    shape = (n_chains, n_draws)
    attributes = {
        "engine": "nested-laplace",
        "khat": certificate.khat,
        "efficiency": certificate.efficiency,
        "n_proposals": n_proposals,
    }
    posterior = Posterior(
        at.to_raw(x[kept]).reshape(*shape, -1),
        at.sds_to_raw(theta[kept]).reshape(*shape, -1),
        {"lp": np.asarray(joint.value(x[kept], theta[kept])).reshape(shape)},
        attributes,
    )
    return NestedLaplace(posterior, certificate)


def _propose(
    source: Conditionals, marginals: list[Marginal], n: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Draw theta, x given theta, and log importance weights."""
    theta, log_density = np.empty((n, len(marginals))), np.zeros(n)
    for k, marginal in enumerate(marginals):
        strata = (rng.permutation(n) + rng.random(n)) / n
        theta[:, k], part = marginal.quantile(strata)
        log_density += part
    z = rng.normal(size=(n, source.joint.n_coefficients))
    x, log_conditional, log_joint = conditionals(source, theta, z)
    return theta, x, log_joint - log_density - log_conditional


def _certify(log_weights: Floats) -> tuple[Floats, Certificate]:
    """Pareto-smoothed weights, normalised to sum to one, and their certificate."""
    n = len(log_weights)
    finite = np.where(np.isfinite(log_weights), log_weights, -1e300)
    smoothed, khat = array_stats.psislw(-finite, r_eff=1.0, axis=-1)
    weights = np.exp(smoothed - smoothed.max())
    weights /= weights.sum()
    bad = not np.isfinite(log_weights).all()
    return weights, Certificate(np.inf if bad else float(khat), float(1 / (n * np.sum(weights**2))), n)


def _systematic(
    weights: Floats, n: int, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Draw indices with the given weights, each within one of its expected count."""
    positions = (rng.random() + np.arange(n)) / n
    return np.minimum(np.searchsorted(np.cumsum(weights), positions), len(weights) - 1)
