"""What all rows say of nodes that stand for them: the log density of draws, and the gradient at the mode.

A gradient alone is not enough: it has passed nodes that were hundreds of nats off a posterior sd away.
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
#: Largest error on draws twice as wide as the posterior, in nats: the tails are right to a tenth.
_WIDE_LIMIT = 0.1
_DRAWS = 100  # of each width: the largest errors of 32 are too small by a factor of three
_DEFECT_LIMIT = 0.3  # nats, sd: up to which exact weights mend the nodes at little cost


@dataclass(frozen=True, slots=True)
class Certificate:
    """Errors of nodes, measured on all rows.

    A posterior mean of unit sd moves by at most ``spread``, whatever it is the mean of (Cauchy and Schwarz, on
    draws from the one posterior that are weighted to the other).
    """

    spread: float  # sd over posterior draws of the error of the log density, in nats
    narrow: float  # largest such error, from that at the mode
    wide: float  # and on draws twice as wide
    shift: float  # largest change of a posterior mean by the gradient at the mode, in posterior sds

    @property
    def is_good(self) -> bool:
        """Whether the nodes alone give the posterior; twice as strict as what is promised."""
        return max(self.spread, self.shift) <= SHIFT_LIMIT / 2 and self.wide <= _WIDE_LIMIT

    @property
    def is_mendable(self) -> bool:
        """Whether exact weights give the posterior from draws on these nodes, most of which count."""
        return self.spread <= _DEFECT_LIMIT and self.shift <= _DEFECT_LIMIT

    def __str__(self) -> str:
        return f"{self.narrow:.1g} nats off on posterior draws, {self.wide:.1g} on draws twice as wide"


def certify(strata: Strata, joint: LogJoint, mode: Mode, rng: np.random.Generator) -> Certificate:
    """Measure nodes on all rows.

    Parameters
    ----------
    strata : Strata
        All rows.
    joint : LogJoint
        The density on nodes.
    mode : Mode
        Its mode; draws are Laplace's around it.
    rng : Generator
    """
    factor = mode.factor
    steps = np.array([factor.solve_upper(rng.normal(size=len(mode.x))) for _ in range(_DRAWS)])
    x = np.concatenate([mode.x[None], mode.x + steps, mode.x + 2 * steps])
    error = log_ratio(strata, joint, x)
    error -= error[0]
    narrow, wide = error[1 : 1 + _DRAWS], error[1 + _DRAWS :]
    expected, _ = strata.expected_and_information(mode.x)
    on_nodes = joint.successes - joint.log_likelihood(mode.x)[1]
    shift = factor.solve(on_nodes - expected) / np.sqrt(factor.inverse_diagonal())
    return Certificate(
        float(narrow.std()), *(float(np.abs(part).max()) for part in (narrow, wide, shift))
    )


def log_ratio(strata: Strata, joint: LogJoint, x: Floats) -> Floats:
    """Log density on all rows minus that on nodes: log importance weights of draws, shape (draw,)."""
    on_nodes = np.empty(len(x))
    step = max(1, 4_000_000 // len(joint.weights))
    for start in range(0, len(x), step):
        eta = np.asarray((joint.matrix @ x[start : start + step].T).T)
        on_nodes[start : start + step] = binomial.log_partition(eta) @ joint.weights
    return on_nodes - strata.log_partition(x)
