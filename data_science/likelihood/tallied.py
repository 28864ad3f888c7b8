"""Compress what stands for the rows of an engine, checked on a sample of them and once on every row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data_science.arrays import Floats
from data_science.errors import GateError
from data_science.formula.design import Design
from data_science.formula.rows import Observations
from data_science.formula.tallied import Expected, Tallied
from data_science.likelihood.arrow import Order
from data_science.likelihood.compression import compress, merge
from data_science.likelihood.fidelity import Compressed, certificate_on, on_cells, shift_on
from data_science.likelihood.log_joint import Coordinates, Statistics
from data_science.likelihood.node_certificate import SHIFT_LIMIT

#: Nodes per cell that are tried; there are as many per cell and response, and no digits for more of them.
_NODES = (4, 6)


def compress_tallied(
    design: Design, rows: Tallied, sample: Observations, expected: Expected, *, seed: int = 0
) -> Compressed:
    """Compress with the fewest nodes that are good enough.

    Parameters
    ----------
    design, rows
        From :mod:`data_science.formula.tallied`.
    sample : Observations
        Rows, on which draws near and far are checked.
    expected : callable
        Asks the engine for the gradient of all rows, for the last check.
    seed : int
        Of the points around the mode.

    Raises
    ------
    GateError
        If the nodes are not good enough.
    """
    statistics = Statistics.of(design.encoding, rows)
    at = Coordinates.of(design, statistics)
    order, column = Order.of(design.encoding), rows.continuous
    if column is None:
        return on_cells(design, rows, merge(rows), statistics, at, order)
    share = rows.n_rows / len(sample)
    weighed = replace(sample, successes=sample.successes * share, trials=sample.trials * share)
    for n_nodes in _NODES:
        found = on_cells(design, rows, compress(rows, column, n_nodes), statistics, at, order)
        measured = weighed, compress(weighed, column, n_nodes)
        shift = shift_on(design, found, *measured, np.random.default_rng(seed))
        if shift >= SHIFT_LIMIT / 10:  # as of rows that are at hand
            continue
        if not certificate_on(design, found, *measured, np.random.default_rng(seed)).is_good:
            continue
        shift = max(shift, _shift_of_all(found, expected(design.encoding, at.to_raw(found.mode.x.copy()))))
        if shift < SHIFT_LIMIT / 10:
            return replace(found, shift=shift)
    raise GateError(
        f"{_NODES[-1]} nodes of {column} per cell and response, which sums give, would change the posterior"
    )


def _shift_of_all(found: Compressed, expected: Floats) -> float:
    """Largest first-order change of a posterior mean, by the gradient of all rows at the mode."""
    joint, mode, at = found.joint, found.mode, found.at
    total = 0.0 if at.intercept is None else expected[at.intercept]
    of_rows = (expected - at.centre * total) / at.scale
    of_cells = joint.successes - joint.log_likelihood(mode.x)[1]
    sds = np.sqrt(mode.factor.inverse_diagonal())
    return float(np.abs(mode.factor.solve(of_rows - of_cells) / sds).max())
