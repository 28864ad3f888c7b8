"""Candidates by elpd_loo per client: paired differences, stacking weights, and what they mean in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, minimize

from data_science.arrays import Floats
from data_science.engines.posterior import Posterior
from data_science.evaluation.evidence import standard_errors
from data_science.evaluation.loo import DRAWS, Elpd, Loo, measure, standard_error
from data_science.evaluation.pointwise import Pooled, pool, union
from data_science.evaluation.refits import refitted
from data_science.fitting.posterior_on import Fitted
from data_science.formula.design import Design, encode
from data_science.formula.rows import Observations
from data_science.likelihood.fidelity import compress_enough
from data_science.limits import KHAT_MAX, SMALL_ELPD

_SOURCE = "Sivula et al., arXiv:2008.10296"

type Candidates = Mapping[str, tuple[Design, Posterior]]


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better one candidate predicts a client than another, summed over clients."""

    elpd: float  # nats
    se: float  # paired over observations
    n_rows: int

    @property
    def is_noise(self) -> bool:
        """Whether the difference is within two standard errors of zero."""
        # not "< 2 se": a NaN is no finding
        return not abs(self.elpd) >= 2 * self.se

    @property
    def is_small(self) -> bool:
        """Whether the difference is too small to matter, whatever its standard error."""
        return not abs(self.elpd) >= SMALL_ELPD

    def __str__(self) -> str:
        return f"{self.elpd:,.1f} (SE {self.se:,.1f})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidates measured on the same clients, best first."""

    loos: Mapping[str, Loo]
    waics: Mapping[str, Elpd]
    weights: Mapping[str, float]  # of the stacked predictive distribution
    nodes: Observations | None = None  # at which all were measured, each for ``loos[...].weights`` rows
    continuous: str | None = None  # the covariate that was replaced by nodes

    @property
    def names(self) -> tuple[str, ...]:
        """Candidates, best elpd_loo first."""
        return tuple(self.loos)

    def difference(self, name: str, reference: str) -> Difference:
        """Elpd of ``name`` minus elpd of ``reference``."""
        return difference(self.loos[name], self.loos[reference])

    @property
    def table(self) -> pd.DataFrame:
        """One row per candidate, best first; differences are from the best."""
        best = self.names[0]
        records = {
            name: {
                "rank": rank,
                "elpd_loo": fit.elpd,
                "se": fit.se,
                "elpd_diff": self.difference(name, best).elpd,
                "se_diff": self.difference(name, best).se,
                "p_loo": fit.p,
                "weight": self.weights[name],
                "khat_max": fit.khat_max,
                "n_khat_high": fit.n_khat_high,
                "waic": self.waics[name].elpd,
            }
            for rank, (name, fit) in enumerate(self.loos.items())
        }
        return pd.DataFrame.from_dict(records, orient="index").astype({"rank": int, "n_khat_high": int})

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, in words."""
        return self.of_the_table

    @property
    def of_the_table(self) -> tuple[str, ...]:
        """What the table says, in words: which differences are noise, and whether elpd can be relied on.

        The best is the best of all, and each difference from it is held to a limit that allows for that.
        """
        best, *others = self.names
        top = self.loos[best]
        of = f" of {len(self.loos)} candidates" if len(others) > 1 else ""
        said = [
            f"{best!r} has the highest elpd_loo{of}: {top.elpd:,.1f} (SE {top.se:,.1f}), {top.n_rows:,} rows."
        ]
        said += [_placed(name, self.difference(name, best), len(others)) for name in others]
        said += [_unreliable(name, fit) for name, fit in self.loos.items() if fit.n_khat_high]
        return tuple(said)


def compare_fitted(fits: Mapping[str, Fitted], seed: int = 1) -> Comparison:
    """Compare fits to the same rows, one observation left out at a time; the seed is that of refits."""
    encoded = union([fit.design for fit in fits.values()], [fit.problem.rows for fit in fits.values()])
    unfit = any(fit.problem.compressed.unfit_for_quadrature for fit in fits.values())
    observations = pool(encoded, quadrature=not unfit)
    measured = {name: measure(fit.design, observations, fit.posterior) for name, fit in fits.items()}
    return _ranked(
        {
            name: (refitted(fits[name], observations, one, seed), waic)
            for name, (one, waic) in measured.items()
        },
        observations,
    )


def compare_fits(
    candidates: Candidates, frame: pd.DataFrame, *, n_nodes: int | None = None, n_draws: int = DRAWS
) -> Comparison:
    """Compare fitted candidates by leaving out one row of ``frame`` at a time.

    Parameters
    ----------
    candidates : mapping from name to (Design, Posterior)
        Fitted to all rows of ``frame``.
    frame : DataFrame
        Validated; one row per observation, a client or a binomial count.
    n_nodes, n_draws : int
        As in :func:`data_science.evaluation.loo.loo`.

    Raises
    ------
    SpecificationError
        If the candidates model different responses or learned different levels.
    """
    designs = [design for design, _ in candidates.values()]
    encoded = [encode(design, frame) for design in designs]
    rows = union(designs, encoded)
    observations = pool(rows, n_nodes)
    if n_nodes is None and any(map(_is_unfit, designs, encoded) if len(observations) < len(rows) else ()):
        observations = pool(rows, quadrature=False)
    return compare_at(candidates, observations, n_draws=n_draws)


def _is_unfit(design: Design, rows: Observations) -> bool:
    """Whether no number of quadrature nodes is enough for a fit, and so not for leaving one out."""
    return compress_enough(design, rows).unfit_for_quadrature


def compare_at(candidates: Candidates, observations: Pooled, *, n_draws: int = DRAWS) -> Comparison:
    """Compare fitted candidates at nodes that hold the columns of all of them."""
    measured = {
        name: measure(design, observations, posterior, n_draws=n_draws)
        for name, (design, posterior) in candidates.items()
    }
    return _ranked(measured, observations)


def _ranked(measured: Mapping[str, tuple[Loo, Elpd]], observations: Pooled) -> Comparison:
    order = sorted(measured, key=lambda name: -measured[name][0].elpd)
    loos = {name: measured[name][0] for name in order}
    weights = stack(np.stack([fit.pointwise for fit in loos.values()], axis=1), observations.weights)
    return Comparison(
        loos,
        {name: measured[name][1] for name in order},
        dict(zip(order, weights.tolist(), strict=True)),
        observations.rows,
        observations.continuous,
    )


def difference(fit: Elpd, reference: Elpd) -> Difference:
    """Paired difference of two fits measured at the same nodes.

    Raises
    ------
    ValueError
        If the nodes differ.
    """
    if not np.array_equal(fit.weights, reference.weights):
        raise ValueError(
            f"the fits were measured at different nodes ({len(fit.weights)} and {len(reference.weights)}); "
            "measure both with compare_fits"
        )
    gap = fit.pointwise - reference.pointwise
    return Difference(float(fit.weights @ gap), standard_error(gap, fit.weights, fit.n_rows), fit.n_rows)


def stack(pointwise: Floats, weights: Floats) -> Floats:
    """Weights of the mixture of predictive distributions with the highest elpd.

    Yao, Vehtari, Simpson and Gelman 2018, doi:10.1214/17-BA1091.

    Parameters
    ----------
    pointwise : array, shape (node, candidate)
        Log predictive densities with the observation left out.
    weights : array, shape (node,)

    Returns
    -------
    array, shape (candidate,)
        Non-negative, sum one.
    """
    n_candidates = pointwise.shape[1]
    density = np.exp(pointwise - pointwise.max(axis=1, keepdims=True))
    share = weights / weights.sum()

    def loss(mixture: Floats) -> tuple[float, Floats]:
        mixed = density @ mixture
        return -float(share @ np.log(mixed)), -(share / mixed) @ density

    found = minimize(
        loss,
        np.full(n_candidates, 1 / n_candidates),
        jac=True,
        method="SLSQP",
        bounds=Bounds(np.zeros(n_candidates), np.ones(n_candidates)),
        constraints=LinearConstraint(np.ones(n_candidates), 1.0, 1.0),
        options={"ftol": 1e-12, "maxiter": 1_000},  # per row: differences of 0.1 nats in 10^5 rows count
    )
    mixture = np.clip(found.x, 0, 1)
    return np.asarray(mixture / mixture.sum())


def _placed(name: str, gap: Difference, n_compared: int) -> str:
    below = f"{name!r} is {-gap.elpd:z,.1f} (SE {gap.se:,.1f}) below"
    limit = standard_errors(n_compared)
    if not abs(gap.elpd) >= limit * gap.se:  # a NaN is no finding
        small = f", and below {SMALL_ELPD:g} it is small anyway ({_SOURCE})" if gap.is_small else ""
        several = f", the limit for any of {n_compared}" if n_compared > 1 else ""
        return f"{below}: inside the noise (less than {limit:.2g} SE{several}){small}."
    if gap.is_small:
        return f"{below}: small, whatever its SE, since it is less than {SMALL_ELPD:g} ({_SOURCE})."
    return f"{below}: it predicts worse, by more than the noise."


def _unreliable(name: str, fit: Loo) -> str:
    return (
        f"k-hat of {name!r} is not below {KHAT_MAX:g} for {fit.n_khat_high:,} of {fit.n_rows:,} rows "
        f"(largest {fit.khat_max:.2f}): their elpd is unreliable."
    )
