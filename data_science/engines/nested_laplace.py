"""Engine ``nested-laplace``: the posterior by integration over the group sds, corrected exactly.

1. The Laplace marginal of each log sd, from a few knots through the mode, flattened a little, proposes
   ``theta``.
2. Given ``theta``, a Gaussian at the mode of the coefficients, bent by the third derivative of the
   log-likelihood (which small data need), proposes ``x``; it is interpolated between the knots.
3. Importance weights are the exact log joint minus the log proposal; Pareto smoothing stabilises them and
   its k-hat is the engine's certificate (Vehtari et al. 2024, jmlr.org/papers/v25/19-556.html).
4. Systematic resampling turns weighted into plain draws.

Rue, Martino and Chopin 2009, doi:10.1111/j.1467-9868.2008.00700.x, give the nesting; here it is only a
proposal, so its approximation error never reaches the result.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from math import ceil

import numpy as np

from data_science.arrays import Floats
from data_science.engines import importance
from data_science.engines.conditional import Conditional
from data_science.engines.defensive import defensive_normal
from data_science.engines.importance import (
    CertificateError,
    ImportanceCertificate,
    certify,
    least_effective,
    systematic,
)
from data_science.engines.knots import Searcher
from data_science.engines.marginal import Marginal, stratified
from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings, OnProgress, Progress
from data_science.formula.design import Design
from data_science.formula.encoding import Encoding
from data_science.likelihood.collapse.plan import NotCollapsibleError
from data_science.likelihood.fidelity import Compressed
from data_science.likelihood.log_joint import LogJoint
from data_science.limits import KHAT_MAX
from data_science.one_thread import one_thread

TITLE, FALLBACK = importance.TITLE, importance.FALLBACK
WEIGHS_ALL_ROWS = True

log = logging.getLogger(__name__)
#: Levels, and coefficients, from which integrating a factor out pays, or certifies what else would not be.
FROM_LEVELS, FROM_COEFFICIENTS = 40, 120
#: Group sds and coefficients beyond which no proposal was ever good enough: to find that out takes minutes.
_MOST_SDS, _MOST_COEFFICIENTS = 3, 1_000
_PROBE = 250  # draws that show whether the rest is worth drawing
_PROBE_KHAT_MAX = 1.0  # beyond it the rest is not: the estimate's own error is about 0.2 there
_PROBE_SHARE_MIN = 0.5  # of the effective draws needed, what the probe must promise
_MOST_WORK = 2e11  # multiplications: a minute's; beyond, there are fewer draws, or none
_OVERSAMPLING = 1.25  # proposals per draw kept, so that resampling repeats few of them


def pays(encoding: Encoding) -> bool:
    """Whether to integrate a factor out, if the formula allows it: many levels, or many coefficients."""
    most = max((term.n_groups for term in encoding.group_specific), default=0)
    return most >= FROM_LEVELS or encoding.n_coefficients > FROM_COEFFICIENTS


def draw(
    design: Design,
    compressed: Compressed,
    settings: FitSettings,
    progress: OnProgress,
) -> Posterior:
    """Draw from the posterior by nested Laplace and exact importance correction.

    With many levels or coefficients the largest factor is integrated out first, where the formula allows it
    (`engines.collapsed`). The draws are independent; chains serve tools that expect them.

    Raises
    ------
    CertificateError
        If k-hat is too large: the proposal does not cover the posterior, and more draws would not help; or
        if the weights leave too few effective draws.
    """
    if pays(design.encoding):
        from data_science.engines import collapsed  # brings numba, which few levels do without

        try:
            found = collapsed.draw(design, _unweighted(compressed), settings)
        except NotCollapsibleError as declined:
            log.info("no factor is integrated out: %s", declined)
            _require_within_reach(design.encoding, declined)
        else:
            n_kept = int(np.prod(found.coefficients.shape[:2]))
            progress(Progress("nested-laplace", n_kept, n_kept))
            return found
    rng = np.random.default_rng(settings.seed)
    with one_thread():  # matrices of order ten: BLAS threads only wait for each other
        n_parameters = compressed.joint.n_coefficients + compressed.joint.n_sds
        n_draws = _affordable(compressed, settings, n_parameters)
        n_kept = n_draws * settings.chains
        n_proposals = max(_PROBE, ceil(_OVERSAMPLING * n_kept))
        least = least_effective(n_parameters, n_kept, settings.draws * settings.chains) * n_proposals / n_kept
        proposal = Proposal.of(compressed)
        _, probe = certify(proposal.draw(_PROBE, rng)[2])
        probe.require(_PROBE_KHAT_MAX, _PROBE_SHARE_MIN * least * _PROBE / n_proposals)
        theta, x, log_weights = proposal.draw(n_proposals, rng)
        log_weights += compressed.log_weights(x)
        weights, certificate = certify(log_weights)
        certificate.require(KHAT_MAX, least)
        kept = rng.permutation(systematic(weights, n_kept, rng))
        log_joint = compressed.joint.value(x[kept], theta[kept])
    shape = (settings.chains, n_draws)
    progress(Progress("nested-laplace", n_kept, n_kept))
    return Posterior(
        compressed.at.to_raw(x[kept]).reshape(*shape, -1),
        compressed.at.sds_to_raw(theta[kept]).reshape(*shape, -1),
        {"lp": np.asarray(log_joint).reshape(shape)},
        {"engine": "nested-laplace", **asdict(certificate)},
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where the posterior is looked for."""

    joint: LogJoint
    marginals: list[Marginal]  # of every log sd
    conditional: Conditional

    @classmethod
    def of(cls, compressed: Compressed) -> Proposal:
        """Find knots along each log sd, the others held at the mode."""
        joint, mode = compressed.joint, compressed.mode
        searcher = Searcher(joint, compressed.elimination)
        centre = searcher.at(mode.theta, mode.x)
        axes = [searcher.along(centre, k) for k in range(joint.n_sds)]
        marginals = [
            Marginal.proposed(
                np.array([knot.theta[k] for knot in axis]), np.array([knot.log_marginal for knot in axis])
            )
            for k, axis in enumerate(axes)
        ]
        return cls(joint, marginals, Conditional.between(joint, centre, axes))

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Draw theta, x given theta, and exact log importance weights."""
        theta, log_density = stratified(self.marginals, n, rng)
        z = defensive_normal(n, self.joint.n_coefficients, rng)
        x, log_conditional = self.conditional.draw(theta, z)
        return theta, x, self.joint.value(x, theta) - log_density - log_conditional


def _require_within_reach(encoding: Encoding, declined: NotCollapsibleError) -> None:
    """Decline at once what would be declined after minutes.

    Raises
    ------
    CertificateError
        If many sds and very many coefficients are to be proposed at once.
    """
    n_sds, n = encoding.n_sds, encoding.n_coefficients
    if n_sds > _MOST_SDS and n > _MOST_COEFFICIENTS:
        raise CertificateError(
            ImportanceCertificate(np.nan, np.nan, 0),
            f"{n_sds} group sds and {n:,} coefficients, expected at most {_MOST_SDS} or "
            f"{_MOST_COEFFICIENTS:,} unless a factor is integrated out; {declined}",
        )


def _affordable(compressed: Compressed, settings: FitSettings, n_parameters: int) -> int:
    """Draws per chain: those asked for, or as many as a minute's work gives.

    Raises
    ------
    CertificateError
        If that is too few.
    """
    (levels, q), r = compressed.elimination.order.head.shape, len(compressed.elimination.order.rest)
    work = r**3 + levels * q * r**2 + compressed.joint.matrix.size
    n_proposals = int(_MOST_WORK / work)
    n_draws = min(settings.draws, int(n_proposals / _OVERSAMPLING / settings.chains))
    n_kept = n_draws * settings.chains
    least = least_effective(n_parameters, max(n_kept, 1), settings.draws * settings.chains)
    if n_kept < least:
        raise CertificateError(
            ImportanceCertificate(np.nan, np.nan, n_proposals),
            f"{n_proposals} proposals are a minute's work, expected at least {least:.0f} draws",
        )
    return n_draws


def _unweighted(compressed: Compressed) -> Compressed:
    """Return the problem on all rows, where the nodes that stand for them would need weights."""
    if compressed.stands_alone or compressed.on_all_rows is None:
        return compressed
    return compressed.on_all_rows()
