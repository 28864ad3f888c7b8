"""Where the log-likelihood of all rows is expanded: near the mode, found in two stages.

The mode of a few thousand rows is many posterior sds away from that of all rows; a Newton step on all rows
squares that distance. So the first stage makes the second short, and a poor result there does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from data_science.arrays import Floats
from data_science.errors import GateError
from data_science.formula.design import Design
from data_science.formula.rows import Observations
from data_science.likelihood.arrow import Elimination, Order
from data_science.likelihood.compression import Cells
from data_science.likelihood.laplace import conditional_mode
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics
from data_science.likelihood.strata import Strata

log = logging.getLogger(__name__)
_PART = 5_000  # rows of the first stage
_THETA = -0.7  # log of the group sds, as where `reference_mode` starts
_NEAR = 0.05  # posterior sds from the mode: nearer does not make the nodes better
_QUADRATIC = 0.3  # posterior sds from which a full Newton step is safe
_STEPS = 50
_SMALLEST_STEP = 1e-6

#: Value, gradient and precision of the log prior at coefficients, given the group sds.
LogPrior = Callable[[Floats], tuple[Floats, Floats, Floats]]


@dataclass(frozen=True, slots=True)
class Pilot:
    """A point near the mode, and the posterior's precision there."""

    x: Floats
    lower: Floats  # (coefficient, coefficient), Cholesky factor of the precision

    def roots(self, strata: Strata) -> Floats:
        """Triangular roots of the posterior covariance of each stratum's intercept and slopes.

        Returns
        -------
        array, shape (stratum, r, 1 + p)
            A row with features v has the linear predictor ``eta + u'z`` in the posterior, ``z = root v`` and
            u standard normal: z is how far one posterior sd moves it.
        """
        d = strata.features.shape[1]
        whitened = solve_triangular(self.lower, strata.map.toarray().T, lower=True, check_finite=False)
        parts = whitened.reshape(len(self.lower), strata.n_strata, d).transpose(1, 0, 2)
        return np.asarray(np.linalg.qr(parts, mode="r"))

    def distance(self, x: Floats) -> float:
        """How far a point is, in posterior sds."""
        return float(np.linalg.norm(self.lower.T @ (x - self.x)))


def mode_of_part(
    design: Design, rows: Observations, statistics: Statistics, at: Coordinates, rng: np.random.Generator
) -> tuple[LogJoint, Floats, Floats]:
    """First stage: the density on a sample of a few thousand rows, log group sds, and its mode there.

    The sample has its own ``D'y``: with that of all rows a mode need not exist.
    """
    share = min(1.0, _PART / len(rows))
    keep = rng.choice(len(rows), round(share * len(rows)), replace=False)
    part = rows.take(np.sort(keep))
    own = Statistics.of(design.encoding, part)
    scaled = replace(statistics, successes=own.successes / share, total_successes=own.total_successes / share)
    cells = Cells(part.codes, part.numeric, len(part), part.trials / share, len(part), None, None)
    joint = LogJoint.of(design, cells, scaled, at)
    theta, x = np.full(joint.n_sds, _THETA), np.zeros(joint.n_coefficients)
    try:
        elimination = Elimination.of(Order.of(design.encoding), joint.matrix)
        x = conditional_mode(joint, elimination, theta, x).x
    except GateError:  # a part of the rows can be separated where all of them are not
        log.info("no mode of %d rows: the search on all rows starts from zero", len(part))
    return joint, theta, x


def find_pilot(strata: Strata, successes: Floats, log_prior: LogPrior, start: Floats) -> Pilot:
    """Second stage: search the mode on all rows from ``start``, by Newton's method with halving.

    Undamped, it moved 85 sds away from the mode on a spline of a heavy-tailed column.

    Parameters
    ----------
    strata : Strata
    successes : array, shape (coefficient,)
        ``D'y``.
    log_prior : callable
    start : array, shape (coefficient,)
        The mode on a part of the rows.

    Raises
    ------
    GateError
        If the posterior has no proper mode, or none is found.
    """

    def value(x: Floats) -> float:
        return float(x @ successes - strata.log_partition(x[None])[0] + log_prior(x)[0])

    x = start
    for _ in range(_STEPS):
        expected, information = strata.expected_and_information(x)
        _, gradient, precision = log_prior(x)
        gradient = gradient + successes - expected
        information.flat[:: len(x) + 1] += np.maximum(precision, 0.0)  # heavy-tailed priors are not concave
        try:
            lower = np.linalg.cholesky(information)
        except np.linalg.LinAlgError as error:
            raise GateError(f"the posterior has no proper mode: {error}") from error
        half = solve_triangular(lower, gradient, lower=True, check_finite=False)
        distance = float(np.linalg.norm(half))
        if distance < _NEAR:
            return Pilot(x, lower)
        if not np.isfinite(distance):
            break
        step = solve_triangular(lower, half, lower=True, trans="T", check_finite=False)
        size = 1.0
        if distance > _QUADRATIC:
            here = value(x)
            while size > _SMALLEST_STEP and not value(x + size * step) >= here:
                size /= 2
        x = x + size * step
    raise GateError("no mode of the coefficients was found on all rows")
