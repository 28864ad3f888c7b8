"""Is a fit good enough to ship? Policy only: it judges what diagnostics.py measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from data_science.errors import GateError
from data_science.extension import ENGINES
from data_science.limits import BFMI_MIN, DIVERGENCES_MAX, DIVERGENT_SHARE_MAX, ESS_MIN, KHAT_MAX, RHAT_MAX

if TYPE_CHECKING:
    from data_science.evaluation.agreement import Agreement
    from data_science.evaluation.diagnostics import Diagnostics

# Remedies are arguments of `BayesianLogitModel` as one would type them.
_TIGHTER = 'specification=ModelSpecification(priors={"common": Prior("Normal", mu=0, sigma=0.5)})'
_LIGHTER = 'specification=ModelSpecification(priors={"group_sd": Prior("HalfNormal", sigma=0.5)})'


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What a fit must reach."""

    rhat_max: float = RHAT_MAX
    ess_min: float = ESS_MIN
    divergences_max: int = DIVERGENCES_MAX
    bfmi_min: float = BFMI_MIN
    khat_max: float = KHAT_MAX


@dataclass(frozen=True, slots=True)
class Admission:
    """Every reason why a fit must not ship; none if it may."""

    failures: tuple[str, ...]
    is_hopeless: bool = False  # no longer chains or smaller steps would save it

    @property
    def passed(self) -> bool:
        """Whether the fit may ship."""
        return not self.failures

    def require(self) -> None:
        """Raise if the fit must not ship.

        Raises
        ------
        GateError
            With every reason and its remedy.
        """
        if self.failures:
            raise GateError("the fit failed these checks:\n" + "\n".join(f"- {f}" for f in self.failures))


def judge(
    measured: Diagnostics, agreement: Agreement | None = None, limits: GateLimits | None = None
) -> Admission:
    """Compare measurements with limits; report every failure, not the first.

    Every comparison is written as "not good" rather than "bad": r_hat is NaN when a chain is constant,
    comparisons with NaN are False, and a broken fit must not pass for that.
    """
    limits = limits or GateLimits()
    failures = (*_convergence(measured, limits), *_prediction(measured), *_agreement(measured, agreement))
    most = DIVERGENT_SHARE_MAX * measured.n_chains * measured.n_draws
    return Admission(failures, bool(failures) and (measured.n_divergences or 0) > most)


def _convergence(measured: Diagnostics, limits: GateLimits) -> Iterator[str]:
    if not measured.all_finite:
        yield "some draws are NaN or infinite: check the data for extreme values and the priors for typos"
    rhat_max = max(limits.rhat_max, round(measured.rhat_by_chance, 4))  # the worst of thousands exceeds 1.01
    if not measured.rhat_max < rhat_max:
        n_draws = measured.asked_for_each * measured.n_draws
        longer = f"settings=FitSettings(draws={2 * n_draws}, tune={n_draws})"
        yield (
            f"r_hat is {measured.rhat_max:.6g} for {measured.rhat_worst}, expected below "
            f"{rhat_max}: the chains disagree; run longer chains, with {longer}, "
            f"or give tighter priors, as in {_TIGHTER}"
        )
    for name, value in (("bulk", measured.ess_bulk_min), ("tail", measured.ess_tail_min)):
        if not value >= limits.ess_min:
            times = limits.ess_min / value if value > 0 else 2  # NaN: of a chain that does not move
            yield (
                f"{name} ESS is {value:.0f} (worst: {measured.ess_worst}), expected at least "
                f"{limits.ess_min:.0f}: draw more, with {_more(measured, times)}"
            )
    if measured.n_divergences is not None and not measured.n_divergences <= limits.divergences_max:
        yield (
            f"{measured.n_divergences} divergent transitions, expected at most {limits.divergences_max}: "
            f"give tighter priors, as in {_TIGHTER}, or a simpler formula"
        )
    if measured.bfmi_min is not None and not measured.bfmi_min >= limits.bfmi_min:
        yield (
            f"E-BFMI is {measured.bfmi_min:.2f}, expected at least {limits.bfmi_min}: the sampler cannot "
            f"explore the tails; give lighter-tailed priors, as in {_LIGHTER}"
        )
    if measured.khat is not None and not measured.khat < limits.khat_max:
        others = " or ".join(f"engine={name!r}" for name in ENGINES if name != measured.engine)
        yield (
            f"k-hat is {measured.khat:.2f}, expected below {limits.khat_max}: importance sampling is "
            f"unreliable here; use {others}"
        )


def _prediction(measured: Diagnostics) -> Iterator[str]:
    low, high = measured.predicted_rate
    if not low <= measured.observed_rate <= high:
        yield (
            f"the rate in the data, {measured.observed_rate:.4f}, is outside the posterior predictive "
            f"interval {low:.4f} to {high:.4f}: the model does not describe the data; check the formula and "
            "priors"
        )


def _agreement(measured: Diagnostics, agreement: Agreement | None) -> Iterator[str]:
    if agreement is not None and not agreement.holds:
        yield (
            f"the two engines disagree on {agreement.worst}: {agreement.distance_in_sds:.2f} posterior sds "
            f"apart, {agreement.distance_in_mcse:.1f} Monte Carlo standard errors, expected at most "
            f"{agreement.limit_in_mcse:.1f}: increase the draws of both engines, with "
            f"{_more(measured, 2)}; if the difference remains, please report a bug"
        )


def _more(measured: Diagnostics, times: float) -> str:
    """Write settings with so many times the draws, and at least twice as many."""
    times = max(times, 2)
    if measured.khat is not None:  # independent draws: how they are split into chains makes no difference
        return f"settings=FitSettings(chains={ceil(times * measured.n_chains)})"
    return f"settings=FitSettings(draws={measured.asked_for_each * ceil(times * measured.n_draws)})"
