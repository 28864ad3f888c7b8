"""The posterior with the largest factor integrated out exactly; by importance sampling over what is left.

1. Each log sd is proposed from its Laplace marginal, the largest factor's levels already integrated out.
2. Given these, the common coefficients and the smaller factors' effects are proposed from a normal whose
   precision follows the log sds.
3. The weights are the exact collapsed density minus the log proposal: they correct, and their k-hat and
   effective number certify. The integrals certify themselves, by the same at half the spacing.
4. The levels are drawn exactly, given each proposal, from the densities that the integrals have evaluated.

With thousands of levels few dimensions are left, which is why importance sampling works where it cannot over
the levels; where they are so many that a polynomial knows what is left, `engines.concentrated` needs no
proposal at all, and is tried first.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from math import ceil

import numpy as np
from scipy.linalg import solve_triangular

from data_science.arrays import Floats
from data_science.engines.concentrated import EFFICIENCY, Concentrated
from data_science.engines.conditional import hats
from data_science.engines.defensive import defensive_normal, log_defensive
from data_science.engines.importance import CertificateError, ImportanceCertificate, certify, systematic
from data_science.engines.marginal import Marginal, stratified
from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings
from data_science.errors import GateError
from data_science.formula.design import Design
from data_science.likelihood.collapse.density import Collapsed
from data_science.likelihood.collapse.laplace import Centre, conditional, marginal_mode
from data_science.likelihood.collapse.left_out import LeftOut
from data_science.likelihood.collapse.nodes import REACH, STEP
from data_science.likelihood.collapse.plan import Plan
from data_science.likelihood.collapse.polynomial import Regression
from data_science.likelihood.fidelity import Compressed
from data_science.likelihood.log_joint import Coordinates, standard_priors
from data_science.limits import ESS_MIN, KHAT_MAX
from data_science.one_thread import one_thread

log = logging.getLogger(__name__)
_LEVEL_DRAWS = 1_000_000  # draws of single levels: chains are as long as they allow, within
_ROW_DRAWS = 20_000_000  # draws times rows, likewise, where each draw has integrals of its own
_FEW = 20  # parameters left, of which the least effective sample size is hardly below the others'
#: Effective draws a chain: the gates ask for 400 of four chains, of the worst of few or many parameters.
_SHORTEST, _LONGER = 200, 250
_DOUBLES = 20_000_000  # draws of single coefficients beyond which they are kept in single precision
_OVERSAMPLING = 1.1  # proposals per draw kept
_PROBE = 96  # proposals that show whether the rest is worth evaluating
_PROBE_SHARE_MIN = 0.15  # of them, how many must be effective
_STRIDE = 0.8  # sds between the knots of a log sd's marginal
_NEGLIGIBLE_NATS = 14.0
_LOG_SDS = (-8.0, 3.3)  # standard coordinates; beyond, the tails carry on, and grids are too long
_WIDEST = 0.6  # largest stride
_MOST_KNOTS = 40
_ENTRIES = 4_000_000  # floats of a batch of precision matrices
_LEFT_OUT = 64  # draws of what is left over which leaving one out averages
_CHECKED = 4  # points at which integration is repeated more finely
INTEGRATION_NATS = 0.01  # what that may change, between points


def draw(design: Design, compressed: Compressed, settings: FitSettings) -> Posterior:
    """Draw from the posterior.

    Raises
    ------
    NotCollapsibleError
        If the formula has no factor that can be integrated out.
    CertificateError
        If the weights or the integrals cannot be relied on.
    GateError
        If there is no proper mode to start from.
    """
    encoding = design.encoding
    plan = Plan.of(encoding, compressed.cells, compressed.statistics, compressed.at)
    density = Collapsed(plan, *standard_priors(design, compressed.at))
    rng = np.random.default_rng(settings.seed)
    with one_thread():
        try:
            return _without_proposals(density, compressed.at, settings, rng)
        except (GateError, np.linalg.LinAlgError) as declined:
            log.info("what is left is looked for by importance sampling: %s", declined.args[-1])
        proposal = Proposal.of(density)
        modes = proposal.modes
        v, theta, log_density = proposal.draw(_PROBE, rng)
        _, probe = certify(density.at(v, theta, modes, rng).log_density - log_density)
        probe.require_effective(_PROBE_SHARE_MIN * _PROBE)
        shortest = _SHORTEST if plan.n_left + density.n_sds <= _FEW else _LONGER
        affordable = min(_LEVEL_DRAWS // len(plan.levels), _ROW_DRAWS // len(plan.operands.weights))
        longest = max(ceil(shortest / probe.efficiency), affordable // settings.chains)
        n_draws = min(settings.draws, longest)
        n_kept = n_draws * settings.chains
        n_proposals, least = ceil(_OVERSAMPLING * n_kept), min(ESS_MIN, n_kept / 2)
        v, theta, log_density = proposal.draw(n_proposals, rng)
        found = density.at(v, theta, modes, rng, draw=True)
        _require_integrated(density, v, theta, modes, rng)
    weights, certificate = certify(np.where(found.lost == 0, 0.0, np.nan) + found.log_density - log_density)
    certificate.require(KHAT_MAX, least)
    kept = rng.permutation(systematic(weights, n_kept, rng))
    x = np.empty((n_kept, encoding.n_coefficients))
    x[:, plan.left] = v[kept]
    x[:, plan.levels] = found.drawn.T[kept]
    shape = (settings.chains, n_draws)
    return Posterior(
        compressed.at.to_raw(x).reshape(*shape, -1),
        compressed.at.sds_to_raw(theta[kept]).reshape(*shape, -1),
        {"lp": found.log_density[kept].reshape(shape)},
        {
            "engine": "nested-laplace",
            "integrated": plan.term.name,
            "way": _way(density),
            **asdict(certificate),
        },
        LeftOut(density, compressed.at, v[kept[:_LEFT_OUT]], theta[kept[:_LEFT_OUT]], modes),
    )


def _without_proposals(
    density: Collapsed, at: Coordinates, settings: FitSettings, rng: np.random.Generator
) -> Posterior:
    """Draw by `engines.concentrated`.

    Raises
    ------
    GateError
        If what is left is not as nearly normal as that asks for.
    """
    found = Concentrated.of(density, rng)
    found.require()
    plan = density.plan
    few = _SHORTEST if plan.n_left + density.n_sds <= _FEW else _LONGER
    affordable = _LEVEL_DRAWS // (len(plan.levels) * settings.chains)
    most = min(settings.draws, max(ceil(few / EFFICIENCY), affordable))
    z, weights, certificate = found.proposals(rng, settings.chains * most)
    own, mean, sd = found.levels(z, weights)
    longest = max(ceil(few / certificate.efficiency), affordable)
    shape = (settings.chains, min(settings.draws, longest))
    n_kept = shape[0] * shape[1]
    kept = rng.permutation(systematic(weights, n_kept, rng))
    v, theta = found.placed(z[kept])
    n = len(plan.left) + len(plan.levels)
    raw = np.empty((n_kept, n), dtype=np.float64 if n_kept * n <= _DOUBLES else np.float32)
    raw[:, plan.left] = at.of_columns(plan.left).to_raw(v)
    levels = found.draw_levels(z[kept], mean, sd, raw[:, plan.levels[0] : plan.levels[-1] + 1], rng)
    lp = Regression.at(found.z, found.degree).value(found.log_weights, z[kept]) - 0.5 * (z[kept] ** 2).sum(1)
    way = f"a polynomial through {len(found.z)} points for"
    return Posterior(
        raw.reshape(*shape, n),
        at.sds_to_raw(theta).reshape(*shape, -1),
        {"lp": lp.reshape(shape)},
        {
            "engine": "nested-laplace",
            "integrated": plan.term.name,
            "way": _way(density, way),
            "error": found.error,
            **asdict(certificate),
        },
        LeftOut(density, at, *found.placed(found.z), found.modes, own, found.moments),
        levels,
    )


def _way(density: Collapsed, way: str = "importance sampling over") -> str:
    """Say what was done, and what is left."""
    plan = density.plan
    return (
        f"the {len(plan.levels):,} levels of {plan.term.name.partition('|')[2]} are integrated out exactly, "
        f"{way} the {plan.n_left + density.n_sds} parameters that are left"
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where what is left is looked for."""

    density: Collapsed
    centre: Centre
    marginals: list[Marginal]  # of every log sd
    knots: list[Centre]  # along the log sd of the factor integrated out, ascending
    modes: Floats  # (level,), at the centre

    @classmethod
    def of(cls, density: Collapsed) -> Proposal:
        """Find the mode, and walk from it along every log sd."""
        modes = np.zeros(len(density.plan.levels))
        centre, curvature = marginal_mode(density, modes)
        marginals, knots = [], [centre]
        for k in range(density.n_sds):
            walked = _walk(density, centre, k, min(_STRIDE / np.sqrt(curvature[k]), _WIDEST), modes)
            values = np.array([knot.log_marginal for knot in walked])
            marginals.append(Marginal.proposed(np.array([knot.theta[k] for knot in walked]), values))
            if k == density.plan.block:
                knots = walked
        return cls(density, centre, marginals, knots, modes)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Propose v, theta, and the log density of the proposal."""
        theta, log_density = stratified(self.marginals, n, rng)
        z = defensive_normal(n, self.density.plan.n_left, rng)
        v = np.empty_like(z)
        size = max(1, _ENTRIES // max(1, z.shape[1] ** 2))
        for start in range(0, n, size):
            some = slice(start, start + size)
            v[some], log_det = self._conditional(theta[some], z[some])
            log_density[some] += log_det
        return v, theta, log_density + log_defensive(z)

    def _conditional(self, theta: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Draw v given theta; also half the log determinant of the precision."""
        block = self.density.plan.block
        share = hats(np.array([knot.theta[block] for knot in self.knots]), theta[:, block])
        start = share @ np.array([knot.v for knot in self.knots])
        pull = np.array([-self.density.prior_slope(knot.v, knot.theta)[0] for knot in self.knots])
        gradient, prior_precision = self.density.prior_slope(start, theta)
        precision = np.tensordot(share, np.array([knot.slope.precision for knot in self.knots]), 1)
        diagonal = np.arange(z.shape[1])
        precision[:, diagonal, diagonal] += prior_precision
        lower = np.linalg.cholesky(precision)
        half = solve_triangular(lower, (share @ pull + gradient)[..., None], lower=True, check_finite=False)
        whitened = half + z[..., None]
        v = start + solve_triangular(lower, whitened, lower=True, trans="T", check_finite=False)[..., 0]
        return v, np.log(lower[:, diagonal, diagonal]).sum(-1)


def _walk(density: Collapsed, centre: Centre, k: int, stride: float, modes: Floats) -> list[Centre]:
    """Conditional modes at ever more distant values of one log sd, until its Laplace marginal is nil."""
    found = {float(centre.theta[k]): centre}
    for way in (-1.0, 1.0):
        last, step, own = centre, stride, modes.copy()
        for _ in range(_MOST_KNOTS):
            theta = last.theta.copy()
            theta[k] = np.clip(theta[k] + way * step, *_LOG_SDS)
            try:
                last = conditional(density, theta, last.v, own)
            except GateError:  # integrals with too many nodes: the tail carries on, and the weights judge it
                break
            found[float(theta[k])] = last
            peak = max(knot.log_marginal for knot in found.values())
            if last.log_marginal < peak - _NEGLIGIBLE_NATS or not _LOG_SDS[0] < theta[k] < _LOG_SDS[1]:
                break
            step *= 1.0 if last.log_marginal > peak - 4 else 1.25
    return [found[value] for value in sorted(found)]


def _require_integrated(
    density: Collapsed, v: Floats, theta: Floats, modes: Floats, rng: np.random.Generator
) -> None:
    """Repeat a few integrals with half the spacing and a wider reach: differences must not change."""
    few = slice(0, _CHECKED)
    coarse = density.at(v[few], theta[few], modes, rng)
    fine = density.at(v[few], theta[few], modes, rng, step=STEP / 2, reach=REACH + 2)
    change = float(np.ptp(coarse.log_density - fine.log_density))
    if coarse.lost or fine.lost or not change < INTEGRATION_NATS:
        raise CertificateError(
            ImportanceCertificate(np.nan, np.nan, _CHECKED),
            f"integrals over {density.plan.term.name} changed by {change:.2g} nats on a finer grid, expected "
            f"below {INTEGRATION_NATS:g}",
        )
