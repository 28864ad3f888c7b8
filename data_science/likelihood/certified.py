"""Matched nodes that were checked on all rows: refined until they are good, or none.

Each rung of the ladder expands around the mode found by the previous rung, and matches more exactly.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from data_science.arrays import Floats, Ints
from data_science.errors import GateError
from data_science.formula.design import Design
from data_science.formula.rows import Observations
from data_science.likelihood.arrow import Elimination, Order
from data_science.likelihood.compression import Cells
from data_science.likelihood.expansion import n_sums, remainder
from data_science.likelihood.laplace import Mode, reference_mode
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics
from data_science.likelihood.matched import Matching, match, nodes_needed, reduced
from data_science.likelihood.node_certificate import Evidence, NodeCertificate
from data_science.likelihood.pilot import Pilot, find_pilot, mode_of_part
from data_science.likelihood.strata import Strata
from data_science.one_thread import one_thread

log = logging.getLogger(__name__)

#: Rows from which nodes pay: benchmarks/compression.py.
LEAST_ROWS = 1_000
#: What exact weights correct at the price of few nodes, where nothing better pays.
_ROUGH = Matching(2, 1e-5, far=3e-3)
_MOST_SHARE = 0.5  # of the rows: where more nodes are needed, rows are cheaper than the next rung
_FEW_SHARE = 0.1  # of the rows: where a good rung needs more, the next may need fewer
_MANY_SUMS = 130  # per stratum, up to which the first rung is of order 3: the work grows with their cube
_MOST_SUMS = 400  # per stratum: a second's work
_MOST_SUMS_AT_ONCE = 900  # where all nodes are one stratum
_FEWER = 0.6  # of the nodes: how many sums over all of them may be left to match once more
_KEPT_SHARES = (0.03, 0.3)  # of the nodes, by remainder, that then keep themselves
_MOST_ENTRIES = 20_000_000  # of the map from coefficients to strata, dense
_MOST_AT_ONCE = 5_000  # nodes that can be matched once more as one stratum


@dataclass(frozen=True, slots=True)
class CertifiedNodes:
    """Nodes, the density on them, and its certificate on all rows."""

    cells: Cells
    joint: LogJoint
    elimination: Elimination
    mode: Mode
    evidence: Evidence
    certificate: NodeCertificate
    strata: Strata  # all rows


class NoNodesError(Exception):
    """Nodes would not pay, or none are good enough: every row is kept. The message says why."""


def certified_nodes(
    design: Design,
    rows: Observations,
    distinct: Observations,
    statistics: Statistics,
    at: Coordinates,
    seed: int,
) -> CertifiedNodes:
    """Find nodes for any number of continuous covariates.

    Parameters
    ----------
    design : Design
    rows : Observations
        Raw rows.
    distinct : Observations
        The same, merged if that makes them fewer; the successes are not read.
    statistics, at
        Of the raw rows.
    seed : int

    Returns
    -------
    CertifiedNodes
        If no nodes are good by themselves, those that exact weights correct.

    Raises
    ------
    NoNodesError
        If every row should be kept; the message says why.
    """
    n = len(distinct)
    if n < LEAST_ROWS:
        raise NoNodesError(f"{n:,} distinct rows are too few to gain from nodes")
    with one_thread():  # matrices of order a hundred: BLAS threads only wait for each other
        strata = Strata.of(design.encoding, distinct, at)
        if np.prod(strata.map.shape) > _MOST_ENTRIES:
            raise NoNodesError("too many levels to gain from nodes")
        climb = _Climb(design, rows, distinct, statistics, at, strata, np.random.default_rng(seed))
        try:
            return climb.top()
        except (GateError, np.linalg.LinAlgError) as error:
            raise NoNodesError(f"no nodes were found: {error}") from error


@dataclass(frozen=True, slots=True)
class _Climb:
    """The problem whose nodes are sought."""

    design: Design
    rows: Observations
    distinct: Observations
    statistics: Statistics
    at: Coordinates
    strata: Strata
    rng: np.random.Generator

    def top(self) -> CertifiedNodes:
        """Climb the ladder until the nodes are good and few."""
        found: list[CertifiedNodes] = []
        fewest = None
        for matching in self._rungs():
            if matching == _ROUGH and any(nodes.certificate.is_good for nodes in found):
                break
            pilot = self._pilot(found[-1] if found else None)
            nodes = self._nodes(matching, pilot)
            if nodes.certificate.is_good:
                nodes = self._fewer(matching, pilot, nodes)
            fewest = min(len(nodes.cells), fewest or len(nodes.cells))
            if len(nodes.cells) > _MOST_SHARE * len(self.strata):
                continue
            log.info("%d nodes of order %d: %s", len(nodes.cells), matching.order, nodes.certificate)
            found.append(nodes)
            if nodes.certificate.is_good and len(nodes.cells) <= _FEW_SHARE * len(self.strata):
                return nodes
        if fewest is None:
            raise NoNodesError("too many covariates, or combinations of levels, to gain from nodes")
        if not found:
            raise NoNodesError(
                f"{fewest:,} would be needed, more than half of the {len(self.strata):,} distinct rows"
            )
        good = [nodes for nodes in found if nodes.certificate.is_good]
        mendable = [nodes for nodes in found if nodes.certificate.is_mendable]
        if good or mendable:
            return min(good or mendable, key=lambda nodes: len(nodes.cells))
        raise NoNodesError(f"nodes are {found[-1].certificate}")

    def _rungs(self) -> Iterator[Matching]:
        """Ever more exact matchings, as far as they pay."""
        n_coefficients = self.strata.map.shape[1]
        n_variables = min(n_coefficients, self.strata.features.shape[1])
        first = 3 if n_sums(n_variables, 3) <= _MANY_SUMS else 2
        second = first + 1 if n_sums(n_variables, first + 1) <= _MOST_SUMS else first
        sizes, most = np.diff(self.strata.starts), _MOST_SHARE * len(self.strata)
        rungs = [Matching(k, tol, far=3 * tol) for k, tol in ((first, 1e-5), (second, 1e-5), (second, 1e-6))]
        for matching in dict.fromkeys([*rungs, _ROUGH]):
            needed = nodes_needed(sizes, n_variables, matching.order)
            at_last = n_sums(n_coefficients, matching.order)
            shrinks = needed <= _MOST_AT_ONCE and at_last <= min(most, _MOST_SUMS_AT_ONCE)
            if n_sums(n_variables, matching.order) <= _MOST_SUMS and (needed <= most or shrinks):
                yield matching

    def _nodes(self, matching: Matching, pilot: Pilot) -> CertifiedNodes:
        """Nodes of one rung with their certificate."""
        strata = self.strata
        slopes, roots = strata.slopes(pilot.x), pilot.roots(strata)
        rows, weights = match(
            strata.features, strata.trials, strata.starts, slopes, roots, matching, self.rng
        )
        chosen = self.distinct.take(strata.order[rows])
        cells = Cells(chosen.codes, chosen.numeric, len(chosen), weights, len(self.rows), None, None)
        joint = LogJoint.of(self.design, cells, self.statistics, self.at)
        elimination = Elimination.of(Order.of(self.design.encoding), joint.matrix)
        mode = reference_mode(joint, elimination)
        evidence = Evidence.around(strata, mode, self.rng)
        return CertifiedNodes(cells, joint, elimination, mode, evidence, evidence.on(joint), strata)

    def _fewer(self, matching: Matching, pilot: Pilot, found: CertifiedNodes) -> CertifiedNodes:
        """Fewer nodes that are as good, if there are few coefficients: this makes the engines faster."""
        n, matrix = len(pilot.x), found.joint.matrix
        n_nodes = len(found.cells)
        at_most = min(_FEWER * n_nodes, _MOST_SUMS_AT_ONCE)
        if found.joint.offset is not None:  # the series is in coefficients only
            return found
        if sp.issparse(matrix) or n_nodes > _MOST_AT_ONCE or n_sums(n, matching.order) > at_most:
            return found
        root = np.linalg.inv(pilot.lower)
        squares = ((matrix @ root.T) ** 2).sum(1)
        own = found.cells.weights * remainder(matrix @ pilot.x, squares, matching.order)
        for share in _KEPT_SHARES:
            exact = replace(matching, far=float(np.quantile(own, 1 - share)))
            fewer = self._selected(found, *reduced(matrix, found.cells.weights, pilot.x, root, exact))
            if fewer.certificate.is_good:
                return fewer
        return found

    def _selected(self, found: CertifiedNodes, nodes: Ints, weights: Floats) -> CertifiedNodes:
        """Keep some of the nodes, with other weights."""
        cells = replace(
            found.cells,
            codes={column: values[nodes] for column, values in found.cells.codes.items()},
            numeric={column: values[nodes] for column, values in found.cells.numeric.items()},
            weights=weights,
        )
        matrix = np.ascontiguousarray(found.joint.matrix[nodes])
        joint = replace(found.joint, matrix=matrix, weights=weights)
        elimination = Elimination.of(Order.of(self.design.encoding), matrix)
        mode = reference_mode(joint, elimination)
        certificate = found.evidence.on(joint)
        return CertifiedNodes(cells, joint, elimination, mode, found.evidence, certificate, found.strata)

    def _pilot(self, before: CertifiedNodes | None) -> Pilot:
        """Place the pilot at the mode of the previous nodes, or of a part of the rows."""
        if before is None:
            joint, theta, start = mode_of_part(self.design, self.rows, self.statistics, self.at, self.rng)
        else:
            joint, theta, start = before.joint, before.mode.theta, before.mode.x
        total = self.statistics
        successes = (total.successes - self.at.centre * total.total_successes) / self.at.scale
        return find_pilot(self.strata, successes, lambda x: joint.log_prior(x, theta)[:3], start)
