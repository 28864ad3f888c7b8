"""How far apart two answers for a level that training has not seen are; changes when that is judged anew.

At the posterior means such a level has no effect; averaged over the posterior, it may lie anywhere in the
distribution of its group. Where levels differ much the two are far apart, and the second is the rate that new
levels turn out to have.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf

from data_science.likelihood.binomial import logit

#: Largest ratio of the two answers' odds up to which a row with an unseen level keeps the plug-in.
BOUND = 1.1
N_ROWS = 32  # of training, evenly spaced, over which the two answers are averaged


@dataclass(frozen=True, slots=True)
class UnseenLevel:
    """P(label = 1) with an unseen level of one column, both averaged over the same rows of training."""

    plug_in: float  # at the posterior means
    averaged: float  # over the posterior, method="posterior"

    @property
    def odds_ratio(self) -> float:
        """How many times larger the larger odds are."""
        if not (0.0 < self.plug_in < 1.0 and 0.0 < self.averaged < 1.0):
            return 1.0 if self.plug_in == self.averaged else inf
        return exp(abs(logit(self.averaged) - logit(self.plug_in)))

    @property
    def is_far(self) -> bool:
        """Whether rows with such a level are to be averaged."""
        return not self.odds_ratio <= BOUND
