"""Check nodes against the rows they represent: the log density of draws, and the gradient at the mode.

The gradient alone is not enough: it has passed nodes that were hundreds of nats off one posterior sd away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_science.arrays import Floats
from data_science.likelihood import binomial
from data_science.likelihood.laplace import Mode
from data_science.likelihood.log_joint import LogJoint
from data_science.likelihood.strata import Strata

#: Largest change of a posterior mean, in posterior sds, that compression may make.
SHIFT_LIMIT = 0.01
#: Largest error on draws twice as wide as the posterior, in nats: far out, tails are right to a fifth.
_WIDE_LIMIT = 0.2
_DRAWS = 100  # of each width: the largest errors of 32 are too small by a factor of three
_ENTRIES = 1_000_000  # floats held at a time
#: Errors that exact weights correct at little cost: sd in nats or posterior sds, and wide in nats.
_MENDABLE, _MENDABLE_WIDE = 0.3, 9.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """Errors of nodes, measured on all rows.

    A posterior mean moves by at most ``spread`` posterior sds, whatever it is the mean of: by the
    Cauchy-Schwarz inequality on draws from one posterior, weighted to the other.
    """

    spread: float  # sd over posterior draws of the error of the log density, in nats
    narrow: float  # largest such error, from that at the mode
    wide: float  # and on draws twice as wide
    shift: float  # largest change of a posterior mean by the gradient at the mode, in posterior sds

    @property
    def is_good(self) -> bool:
        """Whether the nodes alone give the posterior; twice as strict as what is promised."""
        half = SHIFT_LIMIT / 2
        return self.spread <= half and self.shift <= half and self.wide <= _WIDE_LIMIT

    @property
    def is_mendable(self) -> bool:
        """Whether exact weights give the posterior from draws on these nodes, most of which contribute."""
        return self.spread <= _MENDABLE and self.shift <= _MENDABLE and self.wide <= _MENDABLE_WIDE

    def __str__(self) -> str:
        return f"{self.narrow:.3g} nats off on posterior draws, {self.wide:.3g} on draws twice as wide"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Draws around a mode, and their log density on all rows."""

    x: Floats  # (1 + 2 draws, coefficient): the mode, draws from Laplace's posterior, the same twice as far
    on_rows: Floats  # their log-partition, summed over all rows
    expected: Floats  # the gradient of that at the mode
    mode: Mode

    @classmethod
    def around(cls, strata: Strata, mode: Mode, rng: np.random.Generator) -> Evidence:
        """Evaluate all rows, the only costly step."""
        steps = np.array([mode.factor.solve_upper(rng.normal(size=len(mode.x))) for _ in range(_DRAWS)])
        x = np.concatenate([mode.x[None], mode.x + steps, mode.x + 2 * steps])
        return cls(x, strata.log_partition(x), strata.expected_and_information(mode.x)[0], mode)

    def on(self, joint: LogJoint) -> Certificate:
        """Compare with the density on nodes."""
        error = log_partition(joint, self.x) - self.on_rows
        error -= error[0]
        narrow, wide = error[1 : 1 + _DRAWS], error[1 + _DRAWS :]
        factor = self.mode.factor
        on_nodes = joint.successes - joint.log_likelihood(self.mode.x)[1]
        shift = factor.solve(on_nodes - self.expected) / np.sqrt(factor.inverse_diagonal())
        largest = (float(np.abs(part).max()) for part in (narrow, wide, shift))
        return Certificate(float(narrow.std()), *largest)


def log_partition(joint: LogJoint, x: Floats) -> Floats:
    """Sum of ``n A(eta)`` over nodes, for draws ``x`` of shape (draw, coefficient)."""
    total = np.empty(len(x))
    step = max(1, _ENTRIES // len(joint.weights))
    for start in range(0, len(x), step):
        eta = joint.eta(x[start : start + step])
        total[start : start + step] = binomial.log_partition(eta) @ joint.weights
    return total


def log_ratio(strata: Strata, joint: LogJoint, x: Floats) -> Floats:
    """Log density on all rows minus that on nodes: log importance weights of draws, shape (draw,)."""
    return log_partition(joint, x) - strata.log_partition(x)
