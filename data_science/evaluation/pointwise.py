"""Log-likelihood of single observations, at a few hundred nodes that stand for all of them.

What an observation contributes depends on its cell, its continuous covariate and its response alone. Per
cell and response it is a smooth function of the covariate, so the Gauss nodes that compress the likelihood
also compress any mean over observations of what is left out one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.errors import SpecificationError
from data_science.formula.design import Design
from data_science.formula.encoding import Encoding, Factor
from data_science.formula.rows import Observations
from data_science.formula.tallied import Tallied
from data_science.likelihood import binomial
from data_science.likelihood.compression import compress, continuous_column
from data_science.likelihood.log_joint import Coordinates, design_matrix

#: Nodes per cell and response where rows are many. The Pareto fit is not smooth in the covariate, so elpd
#: comes to a few 1e-4 nats of the sum over all rows and no nearer, far below its standard error
#: (tests/sampling/test_loo.py).
NODES = 12
#: Rows up to which each stands for itself: a few seconds of work at most, and elpd equals the sum over rows.
FEW_ROWS = 5_000
_SUCCESSES, _TRIALS = "\0successes", "\0trials"  # no table has such column names


@dataclass(frozen=True, slots=True)
class Pooled:
    """Nodes with their response; each stands for ``weights`` observations.

    Not :class:`data_science.likelihood.compression.Cells`, whose weights are trials and whose response is
    summed over all rows: here the response is part of the node.
    """

    rows: Observations  # one entry per node
    weights: Floats  # (node,), observations
    n_rows: int
    continuous: str | None = None  # the covariate that became nodes, whose own values are those of no row

    def __len__(self) -> int:
        return len(self.weights)


def union(designs: Sequence[Design], encoded: Sequence[Observations]) -> Observations:
    """Put together every column that any of the designs reads, so that their nodes can be common.

    Parameters
    ----------
    designs : sequence of Design
    encoded : sequence of Observations
        The same observations, in the same order, as each of the designs encodes them.

    Raises
    ------
    SpecificationError
        If the designs differ in their response, or learned different levels of one column, or mean different
        numbers by one name.
    """
    responses = {design.specification.response for design in designs}
    if len(responses) != 1:
        raise SpecificationError(
            f"the candidates have the responses {sorted(map(repr, responses))}; expected one response, since "
            "log predictive densities of different data cannot be compared"
        )
    _require_common_levels(factor for design in designs for factor in design.encoding.factors)
    codes: dict[str, Ints] = {}
    numeric: dict[str, Floats] = {}
    for rows in encoded:
        codes |= rows.codes
        _require_common_numbers(numeric, rows.numeric)
        numeric |= rows.numeric
    return replace(encoded[0], codes=codes, numeric=numeric)


def pool(rows: Observations, n_nodes: int | None = None, *, quadrature: bool = True) -> Pooled:
    """Merge observations with equal covariates and equal response; a continuous covariate becomes nodes.

    The response is part of the cell, and weights count observations: what is left out later is one client,
    never a cell of clients.

    Parameters
    ----------
    rows : Observations
        With the columns of every candidate.
    n_nodes : int, optional
        Gauss nodes per cell and response; at most ``2 n_nodes`` observations stay as they are. By default
        :data:`NODES`, and no quadrature at all up to :data:`FEW_ROWS`.
    quadrature : bool
        False keeps every distinct row, as after a fit for which no number of nodes was enough.

    What stands for the rows of an engine already has one response each, and stays as it is.
    """
    if isinstance(rows, Tallied):
        return Pooled(rows.singly(), rows.counts, rows.n_rows, rows.continuous)
    every = not quadrature or (n_nodes is None and len(rows) <= FEW_ROWS)
    column = None if every else continuous_column(rows)
    cells = compress(_keyed_by_response(rows), column, NODES if n_nodes is None else n_nodes)
    numeric = dict(cells.numeric)
    successes, trials = numeric.pop(_SUCCESSES), numeric.pop(_TRIALS)
    nodes = Observations(cells.codes, numeric, len(cells), successes, trials)
    return Pooled(nodes, cells.weights, len(rows), cells.continuous)


def distinct(encoding: Encoding, rows: Observations) -> tuple[Observations, Ints]:
    """Nodes that ``encoding`` can tell apart, and for every node its place among them."""
    own = Observations(
        {factor.column: rows.codes[factor.column] for factor in encoding.factors},
        {column: rows.numeric[column] for column in encoding.numeric_columns},
        len(rows),
        rows.successes,
        rows.trials,
    )
    first, index = _keyed_by_response(own).distinct()
    return own.take(first), index


def log_likelihood(encoding: Encoding, rows: Observations, coefficients: Floats) -> Floats:
    """Log probability of each node's response under each draw, binomial coefficient included.

    Parameters
    ----------
    encoding : Encoding
    rows : Observations
        One entry per node.
    coefficients : array, shape (draw, coefficient)
        Per unit of the raw columns.

    Returns
    -------
    array, shape (node, draw)
    """
    matrix, offset = raw_design(encoding, rows)
    return log_likelihood_at(matrix @ coefficients.T + offset, rows.successes, rows.trials)


def log_likelihood_at(eta: Floats, successes: Floats, trials: Floats) -> Floats:
    """As :func:`log_likelihood`, at given linear predictors of shape (node, draw)."""
    return binomial.log_probability(successes, trials, eta)


def raw_design(encoding: Encoding, rows: Observations) -> tuple[Any, Floats]:
    """Design matrix per unit of the raw columns, dense if that is small, and the offset, shape (node, 1)."""
    n = encoding.n_coefficients
    raw = Coordinates(np.zeros(n), np.ones(n), np.ones(encoding.n_sds), None)
    offset = encoding.offset(rows.numeric, len(rows))
    known = np.zeros(len(rows)) if offset is None else offset
    return design_matrix(encoding, rows, raw), known[:, None]


def _keyed_by_response(rows: Observations) -> Observations:
    """Make the response a covariate like any other, and each observation count once."""
    response = {_SUCCESSES: rows.successes, _TRIALS: rows.trials}
    numeric = rows.numeric | response
    return Observations(rows.codes, numeric, len(rows), rows.successes, np.ones(len(rows)))


def _require_common_levels(factors: Iterable[Factor]) -> None:
    known: dict[str, Factor] = {}
    for factor in factors:
        if known.setdefault(factor.column, factor) != factor:
            raise SpecificationError(
                f"two candidates learned different levels of {factor.column!r}: "
                f"{_shown(known[factor.column])} and {_shown(factor)}; learn every design on the same frame"
            )


def _require_common_numbers(known: Mapping[str, Floats], others: Mapping[str, Floats]) -> None:
    """Refuse two functions of one name, as formulae writes I((x + 1) * z) and I(x + 1 * z) alike."""
    for name in known.keys() & others.keys():
        if not np.array_equal(known[name], others[name]):
            raise SpecificationError(
                f"two candidates mean different numbers by {name!r}: expand the parentheses in one of them, "
                "or rename or add a column of the table"
            )


def _shown(factor: Factor, most: int = 8) -> str:
    tail = ", ..." if len(factor.levels) > most else ""
    return f"({', '.join(map(repr, factor.levels[:most]))}{tail})"
