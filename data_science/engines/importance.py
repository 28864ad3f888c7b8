"""The certificate of importance sampling, from its own weights; and plain draws from weighted ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from statistics import NormalDist

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.arviz_functions import array_stats
from data_science.errors import GateError
from data_science.limits import ESS_MIN, KHAT_MAX

TITLE = "nested Laplace"
FALLBACK = "nuts"  # it certifies itself, and needs no second opinion
_ROUNDING = 1e-12  # of a log weight
#: ArviZ's effective sample size of n independent draws is above ``n exp(-bias - z spread / sqrt(n))``, z the
#: normal quantile of the chance: simulated for bulk and tail, 4 x 250 to 4 x 1,000, chances down to 1e-4.
_ESS_BIAS, _ESS_SPREAD, _ESS_CHANCE = 0.06, 5.3, 0.01
_BOUNDED = 2.0  # times the mean, what no ratio of many may exceed for them to show no tail at all


@dataclass(frozen=True, slots=True)
class ImportanceCertificate:
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
        self.require_effective(least_effective)

    def require_effective(self, least: float) -> None:
        """Raise a CertificateError if the proposals are worth fewer draws."""
        n_effective = self.efficiency * self.n_proposals
        if not n_effective >= least:
            raise CertificateError(
                self,
                f"{n_effective:.1f} effective draws of {self.n_proposals} proposals, expected at least "
                f"{least:.0f}",
            )


def least_effective(n_parameters: int, n_kept: int, n_asked: int) -> float:
    """Return how many of the draws kept must be effective for every parameter's ESS to reach its limit.

    The worst of many estimates is below what the draws are worth, and it is what is judged.

    Parameters
    ----------
    n_parameters : int
    n_kept : int
        Draws, of all chains.
    n_asked : int
        Draws that were asked for: half of them are enough, where the limit needs more.
    """
    z = NormalDist().inv_cdf(1 - _ESS_CHANCE / (2 * n_parameters))  # bulk and tail
    estimated = float(np.exp(-_ESS_BIAS - z * _ESS_SPREAD / np.sqrt(n_kept)))
    return min(ESS_MIN / estimated, n_asked / 2)


class CertificateError(GateError):
    """Importance sampling reports that it cannot be relied on here."""

    def __init__(self, certificate: ImportanceCertificate, reason: str) -> None:
        self.certificate = certificate
        super().__init__(certificate, reason)

    def __str__(self) -> str:
        return f"{TITLE} is not reliable for this model ({self.args[1]}). Use engine={FALLBACK!r}"


def certify(log_weights: Floats) -> tuple[Floats, ImportanceCertificate]:
    """Return Pareto-smoothed weights, normalised to sum to one, and their certificate."""
    n = len(log_weights)
    finite = np.where(np.isfinite(log_weights), log_weights, -1e300)
    # Ratios that are bounded by a value that many reach have every moment, and a tail without a shape to fit:
    # so are those of a proposal that is the posterior, equal but for rounding.
    smoothed, khat = finite, 0.0
    if np.ptp(np.sort(finite)[-ceil(min(n / 5, 3 * np.sqrt(n))) :]) > _ROUNDING:
        smoothed, khat = array_stats.psislw(-finite, r_eff=1.0, axis=-1)
    # Where ratios pile up at their bound, the estimate of the shape has no maximum, and may be anything.
    if not khat < KHAT_MAX and np.mean(np.exp(finite - finite.max())) * _BOUNDED > 1:
        smoothed, khat = finite, 0.0
    weights = np.exp(smoothed - smoothed.max())
    weights /= weights.sum()
    bad = not np.isfinite(log_weights).all()
    return weights, ImportanceCertificate(
        np.inf if bad else float(khat), float(1 / (n * np.sum(weights**2))), n
    )


def systematic(weights: Floats, n: int, rng: np.random.Generator) -> Ints:
    """Draw indices with the given weights, each within one of its expected count."""
    positions = (rng.random() + np.arange(n)) / n
    return np.minimum(np.searchsorted(np.cumsum(weights), positions), len(weights) - 1)
