"""What the compiled loops work on: arrays under names, as numba passes them."""

from __future__ import annotations

from typing import NamedTuple

from data_science.arrays import Floats, Ints


class Arrow(NamedTuple):
    """A matrix of arrow shape, as in `likelihood.arrow`; of the border only columns that are not zero."""

    head: Ints  # (J, q)
    rest: Ints  # (r,)
    a: Floats  # (J, q, q)
    starts: Ints  # (J + 1,), where the entries of each level begin
    columns: Ints  # (entry,), ascending within a level
    b: Floats  # (entry, q)
    c: Floats  # (r, r)


class Factor(NamedTuple):
    """Its Cholesky factor: inverses of A's blocks, W = A^-1/2 B, inverse of the Schur complement's factor."""

    blocks: Floats  # (J, q, q)
    border: Floats  # (entry, q)
    inverse: Floats  # (r, r)
    log_det: float  # sum of log L_ii


class Nodes(NamedTuple):
    """The likelihood: columns of common coefficients, and the few group effects of each node."""

    common: Floats  # (common coefficient, node)
    places: Ints  # (term, node), the coefficient that a term takes at a node
    multipliers: Floats  # (term, node), what multiplies it; 0 where a node has fewer terms
    weights: Floats  # (node,)
    successes: Floats  # (coefficient,)
    offset: Floats  # (node,), added to the linear predictor


class Priors(NamedTuple):
    """Independent priors, as in `formula.priors`."""

    bases: Ints
    norms: Floats
    arguments: Floats


class Whitening(NamedTuple):
    """What places the transport besides the Hessian, and which coefficients share an sd."""

    linear: Floats  # (coefficient,)
    common_precision: Floats  # (coefficient,)
    sizes: Ints  # (sd,)
    n_common: int
