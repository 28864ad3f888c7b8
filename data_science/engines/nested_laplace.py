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

from dataclasses import asdict, dataclass
from math import ceil

import numpy as np
from arviz_stats.base import array_stats
from threadpoolctl import threadpool_limits

from data_science.arrays import Floats
from data_science.engines.conditional import Conditionals, conditionals, defensive_normal
from data_science.engines.marginal import Marginal, propose_theta
from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings, OnProgress, Progress
from data_science.errors import GateError
from data_science.formula.design import Design
from data_science.likelihood.fidelity import Compressed
from data_science.likelihood.laplace import transport_at
from data_science.limits import ESS_MIN, KHAT_MAX

TITLE = "nested Laplace"
FALLBACK = "nuts"  # it certifies itself, and needs no second opinion
WEIGHS_ALL_ROWS = True

_PROBE = 250  # draws that show whether the rest is worth drawing
_PROBE_KHAT_MAX = 1.0  # beyond it the rest is not: the estimate's own error is about 0.2 there
_PROBE_SHARE_MIN = 0.5  # of the effective draws needed, what the probe must promise
_SPARSE_DRAWS_MAX = 250  # per chain, where each draw needs its own search for a mode
_ROUNDING = 1e-12  # of a log weight
_OVERSAMPLING = 1.25  # proposals per draw kept, so that resampling repeats few of them


@dataclass(frozen=True, slots=True)
class Certificate:
    """What importance sampling says about itself."""

    khat: float  # Pareto shape of the importance ratios' tail
    efficiency: float  # effective share of the proposals, (sum w)^2 / (S sum w^2)
    n_proposals: int

    def require(self, khat_limit: float, least_effective: float) -> None:
        """Raise a CertificateError if importance sampling cannot be relied on."""
        # Written as "not good": a NaN is no certificate.
        if not self.khat < khat_limit:
            raise CertificateError(
                self, f"k-hat {self.khat:.3g} of {self.n_proposals} proposals, expected below {khat_limit:g}"
            )
        n_effective = self.efficiency * self.n_proposals
        if not n_effective >= least_effective:
            raise CertificateError(
                self,
                f"{n_effective:.1f} effective draws of {self.n_proposals} proposals, expected at least "
                f"{least_effective:g}",
            )


class CertificateError(GateError):
    """Importance sampling reports that it cannot be relied on here."""

    def __init__(self, certificate: Certificate, reason: str) -> None:
        self.certificate = certificate
        super().__init__(certificate, reason)

    def __str__(self) -> str:
        return f"{TITLE} is not reliable for this model ({self.args[1]}). Use engine={FALLBACK!r}"


def draw(
    design: Design,  # noqa: ARG001 (every engine's signature)
    compressed: Compressed,
    settings: FitSettings,
    progress: OnProgress,
) -> Posterior:
    """Draw from the posterior by nested Laplace and exact importance correction.

    The draws are independent; chains serve tools that expect them.

    Raises
    ------
    CertificateError
        If k-hat is too large: the proposal does not cover the posterior, and more draws would not help; or
        if the weights leave too few effective draws.
    """
    rng = np.random.default_rng(settings.seed)
    joint, mode = compressed.joint, compressed.mode
    with threadpool_limits(1):  # matrices of order ten: BLAS threads only wait for each other
        source = Conditionals(joint, compressed.elimination, transport_at(joint, mode), mode.x)
        n_draws = settings.draws if source.is_dense else min(settings.draws, _SPARSE_DRAWS_MAX)
        n_kept = n_draws * settings.chains
        n_proposals = max(_PROBE, ceil(_OVERSAMPLING * n_kept))
        least = min(ESS_MIN, n_kept / 2)  # what the gates ask for, or half of the draws asked for, if fewer
        marginals = propose_theta(source, mode)
        _, probe = _certify(_propose(source, marginals, _PROBE, rng)[2])
        probe.require(_PROBE_KHAT_MAX, _PROBE_SHARE_MIN * least * _PROBE / n_proposals)
        theta, x, log_weights = _propose(source, marginals, n_proposals, rng)
        log_weights += compressed.log_weights(x)
    weights, certificate = _certify(log_weights)
    certificate.require(KHAT_MAX, least)
    kept = rng.permutation(_systematic(weights, n_kept, rng))
    shape = (settings.chains, n_draws)
    progress(Progress("nested-laplace", n_kept, n_kept))
    return Posterior(
        compressed.at.to_raw(x[kept]).reshape(*shape, -1),
        compressed.at.sds_to_raw(theta[kept]).reshape(*shape, -1),
        {"lp": np.asarray(joint.value(x[kept], theta[kept])).reshape(shape)},
        {"engine": "nested-laplace", **asdict(certificate)},
    )


def _propose(
    source: Conditionals, marginals: list[Marginal], n: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Draw theta, x given theta, and log importance weights."""
    theta, log_density = np.empty((n, len(marginals))), np.zeros(n)
    for k, marginal in enumerate(marginals):
        strata = (rng.permutation(n) + rng.random(n)) / n
        theta[:, k], part = marginal.quantile(strata)
        log_density += part
    z = defensive_normal(n, source.joint.n_coefficients, rng)
    x, log_conditional, log_joint = conditionals(source, theta, z)
    return theta, x, log_joint - log_density - log_conditional


def _certify(log_weights: Floats) -> tuple[Floats, Certificate]:
    """Pareto-smoothed weights, normalised to sum to one, and their certificate."""
    n = len(log_weights)
    finite = np.where(np.isfinite(log_weights), log_weights, -1e300)
    # Ratios that are bounded by a value that many reach have every moment, and a tail without a shape to fit:
    # so are those of a proposal that is the posterior, equal but for rounding.
    smoothed, khat = finite, 0.0
    if np.ptp(np.sort(finite)[-ceil(min(n / 5, 3 * np.sqrt(n))) :]) > _ROUNDING:
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
