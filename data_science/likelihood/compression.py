"""Rows to cells: the same likelihood from hundreds of weighted nodes instead of every row.

With D the design, the log-likelihood of a logistic model is ``t'x - sum_i n_i log(1 + exp(D_i x))`` with
``t = D'y``. ``t`` is taken from raw rows. The sum runs over distinct covariate rows (lossless); and inside a
cell, the rows that differ in one continuous covariate only, it is the integral of an analytic function
against the cell's empirical measure, which Gauss quadrature of that measure gives to rounding error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_science.arrays import Floats, Ints
from data_science.formula.encoding import Encoding
from data_science.formula.places import strands
from data_science.formula.rows import Observations, Rows
from data_science.likelihood.quadrature import chebyshev_moments, gauss

_CHUNK = 1 << 20  # rows at a time, so that 10^7 rows need no second copy of themselves
_SAMPLE = 20_000
_MOST_SORTED = 200_000  # nodes


@dataclass(frozen=True, slots=True)
class Cells(Rows):
    """Weighted nodes that stand for the rows in ``sum n log(1 + exp(eta))``."""

    weights: Floats  # shape (node,), trials that a node stands for
    n_rows: int  # that the nodes stand for
    n_nodes_per_cell: int | None  # None where no covariate was replaced: lossless
    continuous: str | None  # the covariate that was replaced

    def representative(self, most: int) -> Rows:
        """Return at most ``most`` nodes that stand for as many trials each, evenly spaced through all.

        Where nodes are not very many they are sorted first: which are chosen does not depend on their order.
        """
        order: Ints = np.arange(len(self))
        columns = [*self.numeric.values(), *self.codes.values()]
        if columns and len(self) <= _MOST_SORTED:
            order = np.lexsort(columns)
        ends = np.cumsum(self.weights[order])
        middles = (np.arange(most) + 0.5) / most * ends[-1]
        return self.take(order[np.minimum(np.searchsorted(ends, middles), len(self) - 1)])


def continuous_columns(rows: Rows) -> tuple[str, ...]:
    """Numeric columns whose values hardly repeat, judged on a sample."""
    sample = _sample(rows)
    return tuple(
        column for column, values in sample.numeric.items() if 2 * len(np.unique(values)) > len(sample)
    )


def continuous_column(rows: Rows) -> str | None:
    """Name of the numeric column with most distinct values, if replacing it makes cells; else None.

    A second continuous column leaves every cell with a row or two, so nothing would be gained.
    """
    if not rows.numeric:
        return None
    sample = _sample(rows)
    distinct = {column: len(np.unique(values)) for column, values in sample.numeric.items()}
    column = max(distinct, key=lambda name: distinct[name])
    n_cells = len(sample.without(column).distinct()[0])
    return column if 10 * n_cells < distinct[column] else None


def merge(rows: Observations) -> Cells:
    """Merge identical covariate rows: lossless."""
    first, index = rows.distinct()
    nodes, weights = Rows.take(rows, first), np.bincount(index, rows.trials)
    return Cells(nodes.codes, nodes.numeric, nodes.size, weights, rows.n_observations, None, None)


def compress(rows: Observations, column: str | None, n_nodes: int) -> Cells:
    """Replace ``column`` inside each cell by ``n_nodes`` Gauss nodes; merge what is identical otherwise.

    Parameters
    ----------
    rows : Observations
    column : str or None
        From :func:`continuous_column`; None merges identical rows only.
    n_nodes : int
        Nodes per cell, m; the moments up to degree 2 m - 1 are those of the rows. Cells of at most 2 m rows
        keep their rows.
    """
    if column is None:
        return merge(rows)
    first, index = rows.without(column).distinct()
    large = _distinct_enough(index, rows.numeric[column], rows.support(n_nodes))
    kept = merge(rows.take(~large[index]))
    nodes, weights = _nodes(index, rows.numeric[column], rows.trials, large, n_nodes)
    cells = np.repeat(first[large], n_nodes)
    return Cells(
        {k: np.concatenate([kept.codes[k], v[cells]]) for k, v in rows.codes.items()},
        {
            k: np.concatenate([kept.numeric[k], nodes if k == column else v[cells]])
            for k, v in rows.numeric.items()
        },
        len(kept) + len(nodes),
        np.concatenate([kept.weights, weights]),
        rows.n_observations,
        n_nodes,
        column,
    )


def weighted_sums(encoding: Encoding, rows: Rows, weights: Floats, power: int = 1) -> Floats:
    """``sum_i weights_i D_ij^power`` for every coefficient j; with the successes as weights, ``D'y``.

    Returns
    -------
    array, shape (coefficient,)
    """
    total = np.zeros(encoding.n_coefficients)
    n_rows = len(rows)
    for term in encoding.terms:
        for strand in strands(term):
            values = weights * strand.multipliers(rows.numeric, n_rows) ** power
            sums = np.bincount(strand.places.rows(rows.codes, n_rows), values, term.n_coefficients + 1)
            total[encoding.slices[term.name]] += sums[:-1]
    return total


def _sample(rows: Rows) -> Rows:
    return rows.take(slice(None, None, max(1, len(rows) // _SAMPLE)))


def _distinct_enough(index: Ints, values: Floats, least: int) -> npt.NDArray[np.bool_]:
    """Cells with more than ``least`` rows and values that are spread (a measure with enough support)."""
    n_cells = int(index.max(initial=-1)) + 1
    count = np.bincount(index, minlength=n_cells)
    enough: npt.NDArray[np.bool_] = count > least
    return enough & (_distinct_count(index, values, n_cells, least) > least)


def _distinct_count(index: Ints, values: Floats, n_cells: int, least: int) -> Ints:
    """Distinct values per cell, counted on the first rows of each cell only as far as needed."""
    order = np.argsort(index, kind="stable")
    rank = np.empty(len(index), dtype=np.intp)
    starts = np.searchsorted(index[order], np.arange(n_cells))
    rank[order] = np.arange(len(index)) - starts[index[order]]
    head = rank < 20 * least
    pairs = pd.DataFrame({"cell": index[head], "value": values[head]}).drop_duplicates()
    return np.bincount(pairs["cell"].to_numpy(), minlength=n_cells)


def _nodes(
    index: Ints, values: Floats, trials: Floats, large: npt.NDArray[np.bool_], n_nodes: int
) -> tuple[Floats, Floats]:
    """Nodes and weights of the large cells, flat, cell by cell."""
    n_cells = len(large)
    low, high = np.full(n_cells, np.inf), np.full(n_cells, -np.inf)
    np.minimum.at(low, index, values)
    np.maximum.at(high, index, values)
    middle, half = (low + high) / 2, np.where(high > low, (high - low) / 2, 1.0)
    moments = np.zeros((n_cells, 2 * n_nodes))
    for start in range(0, len(index), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        u = (values[chunk] - middle[index[chunk]]) / half[index[chunk]]
        moments += chebyshev_moments(u, trials[chunk], index[chunk], moments.shape)
    u_nodes, weights = gauss(moments[large])
    nodes = middle[large, None] + half[large, None] * u_nodes
    return nodes.ravel(), weights.ravel()
