"""Rows to the density that engines use: by quadrature, by matched nodes, or on every distinct row.

Quadrature replaces one continuous covariate, matched nodes any number; each is measured on all rows. For
quadrature, the change to a posterior mean is, to first order, ``P^-1 (g_cells - g_rows)`` with g the gradient
of the log-likelihood and P the posterior precision, at the mode and around it; and since the gradient there
says nothing about the tails, it has the certificate of matched nodes too. ``D'y`` is exact in both, so only
``sum n log(1 + exp(eta))`` can differ.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from data_science.arrays import Floats
from data_science.formula.design import Design
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Observations, Rows
from data_science.formula.tallied import Tallied
from data_science.likelihood import binomial
from data_science.likelihood.arrow import Elimination, Order
from data_science.likelihood.certified import LEAST_ROWS, CertifiedNodes, NoNodesError, certified_nodes
from data_science.likelihood.compression import Cells, compress, continuous_column, continuous_columns, merge
from data_science.likelihood.laplace import Mode, reference_mode
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics, design_matrix
from data_science.likelihood.node_certificate import SHIFT_LIMIT, Evidence, NodeCertificate, log_ratio
from data_science.likelihood.strata import Strata
from data_science.one_thread import one_thread

log = logging.getLogger(__name__)
_NAMED = 6  # covariates that the sentence names
_NODES = (4, 6, 8, 12, 16)
_SAMPLE_ROWS = 200_000  # raw rows that the achieved shift is measured on
_POINTS = 3  # the mode, and points one posterior sd around it


@dataclass(frozen=True)
class Assembled:
    """What costs passes over many levels, made when it is first asked for."""

    assemble: Callable[[], LogJoint]
    order: Order

    @classmethod
    def already(cls, joint: LogJoint, order: Order, elimination: Elimination, mode: Mode) -> Assembled:
        """Hold what has been computed."""
        made = cls(lambda: joint, order)
        vars(made).update(joint=joint, elimination=elimination, mode=mode)
        return made

    @cached_property
    def joint(self) -> LogJoint:
        """The log joint density."""
        return self.assemble()

    @cached_property
    def elimination(self) -> Elimination:
        """Its design, split for elimination."""
        return Elimination.of(self.order, self.joint.matrix)

    @cached_property
    def mode(self) -> Mode:
        """Its reference mode."""
        with one_thread():  # small matrices: BLAS threads only wait for each other
            return reference_mode(self.joint, self.elimination)


@dataclass(frozen=True, slots=True)
class Compressed:
    """Cells ready for the engines, with what compression did."""

    cells: Cells
    successes: Floats | None  # (row,), of raw rows, for the reader's plots; None if they are in their engine
    statistics: Statistics
    at: Coordinates
    assembled: Assembled
    shift: float  # largest change of a posterior mean by compression, in posterior sds; 0 where lossless
    why_lossless: str = ""  # why every distinct row was kept
    nodes: CertifiedNodes | None = None  # where matched nodes stand for the rows
    unfit_for_quadrature: bool = (
        False  # though one covariate could be replaced, no number of nodes was enough
    )
    on_all_rows: Callable[[], Compressed] | None = None  # the same without nodes, where there are some

    @property
    def stands_alone(self) -> bool:
        """Whether draws on cells are draws on rows; otherwise only with the weights of all rows."""
        return self.nodes is None or self.nodes.certificate.is_good

    def log_weights(self, x: Floats) -> Floats:
        """Return what is to be added to log weights: :meth:`error_on_rows`, zero if cells alone suffice."""
        return np.zeros(len(x)) if self.stands_alone else self.error_on_rows(x)

    def error_on_rows(self, x: Floats) -> Floats:
        """Log density on all rows minus that on cells, for draws ``x``, shape (draw, coefficient)."""
        return np.zeros(len(x)) if self.nodes is None else log_ratio(self.nodes.strata, self.joint, x)

    @property
    def joint(self) -> LogJoint:
        """The log joint density."""
        return self.assembled.joint

    @property
    def elimination(self) -> Elimination:
        """Its design, split for elimination."""
        return self.assembled.elimination

    @property
    def mode(self) -> Mode:
        """Its reference mode."""
        return self.assembled.mode

    @property
    def sentence(self) -> str:
        """What compression did, for the log."""
        n_rows, n_nodes, cells = self.cells.n_rows, len(self.cells), self.cells
        if self.nodes is not None:
            names = tuple(cells.numeric)
            where = ", ".join(names) if len(names) <= _NAMED else f"{len(names)} covariates"
            mended = "" if self.stands_alone else " before the exact weights of all rows"
            return (
                f"{n_rows:,} rows → {n_nodes:,} nodes (matched in {where}), "
                f"largest posterior shift {self.shift:.1g} sd{mended}"
            )
        if cells.continuous is not None:
            return (
                f"{n_rows:,} rows → {n_nodes:,} nodes ({cells.n_nodes_per_cell} per cell for "
                f"{cells.continuous}), largest posterior shift {self.shift:.1g} sd"
            )
        found = f"{n_rows:,} rows → {n_nodes:,} distinct row{'s' * (n_nodes > 1)}, without loss"
        return f"{found} ({self.why_lossless})" if self.why_lossless else found


def compress_enough(design: Design, rows: Observations, *, exact: bool = False, seed: int = 0) -> Compressed:
    """Compress with the fewest nodes whose measured shift stays below :data:`SHIFT_LIMIT`.

    Parameters
    ----------
    design, rows
        From :mod:`data_science.formula.design`.
    exact : bool
        True keeps every distinct row.
    seed : int
        Of the points around the mode, and of the sample of raw rows if there are very many.
    """
    statistics = Statistics.of(design.encoding, rows)
    at = Coordinates.of(design, statistics)
    order = Order.of(design.encoding)
    column = None if exact else continuous_column(rows)
    if column is not None:
        for n_nodes in _NODES:
            cells = compress(rows, column, n_nodes)
            found = on_cells(design, rows, cells, statistics, at, order)
            shift = _shift(design, rows, found, n_nodes, column, seed)
            # Ten times below what is promised: the estimate is first order.
            if shift < SHIFT_LIMIT / 10 and _certificate(design, rows, found, n_nodes, column, seed).is_good:
                return replace(found, shift=shift)
    continuous = continuous_columns(rows)

    @cache
    def merged() -> Cells:
        return merge(rows)

    def on_all_rows() -> Compressed:
        whole = on_cells(design, rows, merged(), statistics, at, order)
        return replace(whole, unfit_for_quadrature=column is not None)

    if exact or not rows.numeric:
        return replace(on_all_rows(), why_lossless="no nodes: exact=True" if exact and continuous else "")
    distinct = rows if continuous else _as_observations(merged())
    try:
        nodes = certified_nodes(design, rows, distinct, statistics, at, seed)
    except NoNodesError as reason:
        log.info("every distinct row is kept: %s", reason)
        worth_saying = continuous or len(distinct) >= LEAST_ROWS
        return replace(on_all_rows(), why_lossless=f"no nodes: {reason}" if worth_saying else "")
    certificate = nodes.certificate
    shift = max(certificate.shift, certificate.spread)
    assembled = Assembled.already(nodes.joint, order, nodes.elimination, nodes.mode)
    unfit = column is not None
    return Compressed(
        nodes.cells, rows.successes, statistics, at, assembled, shift, "", nodes, unfit, on_all_rows
    )


def _as_observations(cells: Cells) -> Observations:
    """Distinct rows, with the trials of all that are alike; their successes are not told apart."""
    return Observations(cells.codes, cells.numeric, len(cells), np.zeros(len(cells)), cells.weights)


def on_cells(
    design: Design, rows: Observations, cells: Cells, statistics: Statistics, at: Coordinates, order: Order
) -> Compressed:
    """Make the density on these cells, which stand for the rows."""
    assembled = Assembled(lambda: LogJoint.of(design, cells, statistics, at), order)
    successes = None if isinstance(rows, Tallied) else rows.successes
    return Compressed(cells, successes, statistics, at, assembled, 0.0)


def _measured_on(
    rows: Observations, found: Compressed, n_nodes: int, column: str, seed: int
) -> tuple[Observations, Cells, np.random.Generator]:
    """Raw rows and their cells: all, or a sample where they are very many, weighed as all of them."""
    rng = np.random.default_rng(seed)
    if len(rows) <= _SAMPLE_ROWS:
        return rows, found.cells, rng
    sample = rows.take(np.sort(rng.choice(len(rows), _SAMPLE_ROWS, replace=False)))
    weighed = replace(sample, trials=sample.trials * (len(rows) / _SAMPLE_ROWS))
    return weighed, compress(weighed, column, n_nodes), rng


def _certificate(
    design: Design, rows: Observations, found: Compressed, n_nodes: int, column: str, seed: int
) -> NodeCertificate:
    return certificate_on(design, found, *_measured_on(rows, found, n_nodes, column, seed))


def _shift(
    design: Design, rows: Observations, found: Compressed, n_nodes: int, column: str, seed: int
) -> float:
    return shift_on(design, found, *_measured_on(rows, found, n_nodes, column, seed))


def certificate_on(
    design: Design, found: Compressed, sample: Observations, cells: Cells, rng: np.random.Generator
) -> NodeCertificate:
    """Errors of the density on draws, near and far, as of matched nodes."""
    with one_thread():
        evidence = Evidence.around(Strata.of(design.encoding, sample, found.at), found.mode, rng)
        if cells is found.cells:
            return evidence.on(found.joint)
        return evidence.on(LogJoint.of(design, cells, found.statistics, found.at))


def shift_on(
    design: Design, found: Compressed, sample: Observations, cells: Cells, rng: np.random.Generator
) -> float:
    """Largest first-order change of a posterior mean, measured against raw rows."""
    factor, mode = found.mode.factor, found.mode.x
    points = [mode, *(mode + factor.solve_upper(rng.normal(size=len(mode))) for _ in range(_POINTS - 1))]
    raw, known = _design(design.encoding, sample, found.at)
    compact, at_nodes = _design(design.encoding, cells, found.at)
    sds = np.sqrt(factor.inverse_diagonal())
    changes = [
        factor.solve(_expected(raw, sample.trials, x, known) - _expected(compact, cells.weights, x, at_nodes))
        / sds
        for x in points
    ]
    return float(np.abs(changes).max())


def _design(encoding: Encoding, rows: Rows, at: Coordinates) -> tuple[Any, Floats | float]:
    """Design matrix and offset."""
    offset = encoding.offset(rows.numeric, len(rows))
    return design_matrix(encoding, rows, at), 0.0 if offset is None else offset


def _expected(matrix: Any, weights: Floats, x: Floats, offset: Floats | float = 0.0) -> Floats:
    """``D' n p``: the part of the gradient that compression touches."""
    return np.asarray(matrix.T @ (weights * binomial.probability(matrix @ x + offset)))
