"""The transport, compiled: :class:`Transport`'s methods as loops, several times faster.

The same steps as there, which numba compiles once and keeps on disk (`loops`, `density`); a test holds both
equal. NumPy spends its time on forty calls for matrices of order ten, or on zeros where groups are many; only
where the factorisation itself dominates is BLAS as fast, and is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from data_science.arrays import Floats, Ints
from data_science.formula.priors.independent import IndependentPriors
from data_science.likelihood.compiled import loops
from data_science.likelihood.compiled.density import log_density_with
from data_science.likelihood.compiled.operands import Arrow, Nodes, Priors, Whitening
from data_science.likelihood.log_joint import LogJoint
from data_science.likelihood.transport import Transport

#: Multiplications of one factorisation up to which loops beat BLAS, whatever their number,
LARGEST_WORK = 3_000_000
#: and beyond it as long as they are fewer by this factor, because the border is sparse.
SPARSE_GAIN = 2


@dataclass(frozen=True, slots=True)
class Kernel:
    """A transport, compiled."""

    arrow: Arrow
    whitening: Whitening
    nodes: Nodes
    priors: tuple[Priors, Priors]  # of common coefficients, of sds
    density: Callable[..., float]  # compiled for the densities that the priors have

    def log_density(self, theta: Floats, z: Floats) -> tuple[float, Floats, Floats]:
        """As :meth:`Transport.log_density`, but NaN if that raises: no Cholesky factor at such sds."""
        gradient_theta, gradient_z = np.empty_like(theta), np.empty_like(z)
        value = self.density(
            theta, z, gradient_theta, gradient_z, self.arrow, self.whitening, self.nodes, *self.priors
        )
        return value, gradient_theta, gradient_z

    def coefficients(self, theta: Floats, z: Floats) -> Floats:
        """As :meth:`Transport.coefficients`."""
        return loops.coefficients(theta, z, self.arrow, self.whitening)


def compiled(transport: Transport) -> Kernel | Transport:
    """Return the compiled transport, or the transport itself where NumPy is as fast."""
    joint, hessian = transport.joint, transport.hessian
    order = hessian.order
    present = (hessian.b != 0).any(axis=1)
    if not _loops_win(present.sum(axis=1), *hessian.b.shape):
        return transport
    levels, columns = np.nonzero(present)
    starts = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    border = hessian.b[levels, :, columns]
    parts = order.head, order.rest, hessian.a, starts, columns, border, hessian.c
    return Kernel(
        Arrow(*map(np.ascontiguousarray, parts)),  # numba compiles each layout anew, for seconds
        Whitening(transport.linear, transport.common_precision, joint.block_sizes, joint.n_common),
        _nodes(joint),
        (_priors(joint.common_priors), _priors(joint.sd_priors)),
        log_density_with(joint.prior_densities),
    )  # fmt: skip


def _nodes(joint: LogJoint) -> Nodes:
    n_common, n_nodes = joint.n_common, len(joint.weights)
    common = joint.matrix[:, :n_common]
    groups = sp.coo_array(joint.matrix[:, n_common:])
    groups.eliminate_zeros()
    by_node = np.argsort(groups.row, kind="stable")
    node, place, multiplier = groups.row[by_node], groups.col[by_node], groups.data[by_node]
    term = np.arange(len(node)) - np.searchsorted(node, node)  # its number within the node
    places = np.full((int(term.max(initial=-1)) + 1, n_nodes), n_common, dtype=np.intp)
    multipliers = np.zeros(places.shape)
    places[term, node], multipliers[term, node] = n_common + place, multiplier
    dense = common.toarray() if sp.issparse(common) else common
    offset = np.zeros(n_nodes) if joint.offset is None else joint.offset
    return Nodes(np.ascontiguousarray(dense.T), places, multipliers, joint.weights, joint.successes, offset)


def _priors(independent: IndependentPriors) -> Priors:
    return Priors(independent.bases, independent.norms, independent.arguments)


def _loops_win(n_entries: Ints, n_levels: int, q: int, r: int) -> bool:
    dense = n_levels * q * r**2 + r**3
    sparse = q * int((n_entries * (n_entries + r)).sum()) + r**3
    return dense <= LARGEST_WORK or SPARSE_GAIN * sparse <= dense
