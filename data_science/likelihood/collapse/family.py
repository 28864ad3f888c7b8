"""The family for the compiled loops: inlined, so that each function takes part in its loop's arithmetic."""

from __future__ import annotations

from numba import njit

from data_science.likelihood import binomial

_inlined = njit(inline="always")
node = njit(binomial.node)
both_chances = _inlined(binomial.both_chances)
moved = _inlined(binomial.moved)
curvature = _inlined(binomial.variance)
failure = _inlined(binomial.failure_at_odds)
probability = _inlined(binomial.probability_at_odds)
log_partition = _inlined(binomial.log_partition_at_odds)
