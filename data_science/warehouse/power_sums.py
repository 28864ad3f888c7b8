"""One statement of power sums per cell and response, and the nodes that have the same sums.

Sums of powers of ``x - c`` about a fixed c only add: over rows, over batches, over cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np
import pandas as pd

from data_science.arrays import Floats, Ints
from data_science.likelihood.quadrature import chebyshev_of_powers, supported
from data_science.warehouse.arithmetic import Arithmetic, number
from data_science.warehouse.linear_predictor import FENCE

NODES = 6  # per cell and response: powers up to the eleventh keep twelve digits
_OFF_ZERO = 1 / 1024  # of the range: a difference from such a centre is zero, or too large to underflow
#: What begins the name of every column that is added to the table.
PREFIX = "ds__"
COUNT, LOW, HIGH, FIRST = (f"{PREFIX}{name}" for name in ("n", "low", "high", "first"))
#: Power sums by their power.
SUMS = {k: f"{PREFIX}s{k}" for k in range(1, 2 * NODES)}


@dataclass(frozen=True, slots=True)
class Unit:
    """Where powers are centred, and an exact factor that brings every difference within [-1, 1]."""

    centre: float
    factor: float

    @classmethod
    def of(cls, low: float, high: float) -> Unit:
        """Choose them for values from low to high."""
        half = (high - low) / 2
        centre = low + half
        if abs(centre) < _OFF_ZERO * half:
            centre = _OFF_ZERO * half
        reach = max(high - centre, centre - low) or 1.0
        return cls(centre, 2.0 ** -ceil(log2(reach)))

    def scaled(self, values: Any) -> Any:
        """Return ``(x - c) * factor``: of an array."""
        return (values - self.centre) * self.factor


def grouped(
    table: Any, keys: Sequence[str], column: str | None, unit: Unit | None, first: str | None, dialect: str
) -> Any:
    """Return the query: count, extremes and power sums of the column by the keys.

    Parameters
    ----------
    table : ibis table
    keys : sequence of str
        Columns of levels, of numbers that repeat, and the response.
    column : str or None
        The continuous covariate.
    unit : Unit or None
        None leaves the power sums out.
    first : str, optional
        Column whose least value names each group.
    dialect : str
    """
    powers: dict[str, Any] = {}
    if column is not None and unit is not None:
        table, powers = _powers(table, column, unit, fenced=Arithmetic(dialect).raises)
    wanted = {COUNT: table.count()}
    if first is not None:
        wanted[FIRST] = table[first].min()
    if column is not None:
        wanted |= {LOW: table[column].min(), HIGH: table[column].max()}
    sums = {name: power.sum() for name, power in powers.items()}
    return table.group_by(list(keys)).aggregate(**wanted, **sums)


def _powers(table: Any, column: str, unit: Unit, *, fenced: bool) -> tuple[Any, dict[str, Any]]:
    """Return the table with a few powers, and all as products of at most three of these.

    An engine that merges the stages of a query, as PostgreSQL does, would multiply each power out: fences
    keep it from that, and make the statement take half the time.
    """
    u = (as_number(table[column]) - number(unit.centre)) * number(unit.factor)
    names = {k: f"{PREFIX}u{k}" for k in range(1, 5)}
    table = table.mutate(**{names[1]: u})
    table = table.limit(FENCE) if fenced else table
    u = table[names[1]]
    table = table.mutate(**{names[2]: u * u, names[3]: u * u * u, names[4]: (u * u) * (u * u)})
    table = table.limit(FENCE) if fenced else table
    some = {k: table[name] for k, name in names.items()}
    for k in range(5, 2 * NODES):
        some[k] = some[4] * some[k - 4]
    return table, {SUMS[k]: power for k, power in some.items()}


def as_number(column: Any) -> Any:
    """Return a numeric column as a float; engines divide decimals by their scale, which may round twice."""
    return (column.cast("string") if column.type().is_decimal() else column).cast("float64")


def nodes_of(groups: pd.DataFrame, unit: Unit) -> tuple[Ints, Floats, Floats]:
    """Find nodes of each group, which have its sums.

    Returns
    -------
    place : int array, shape (node,)
        Of the group.
    values, counts : arrays, shape (node,)
    """
    counts = groups[COUNT].to_numpy(np.float64)
    powers = [groups[name].to_numpy(np.float64) for name in SUMS.values()]
    low, high = (groups[end].to_numpy(np.float64) for end in (LOW, HIGH))
    moments = chebyshev_of_powers(np.column_stack([counts, *powers]), unit.scaled(low), unit.scaled(high))
    middle, half = (low + high) / 2, (high - low) / 2
    places, values, weights = [], [], []
    for some, nodes, own in supported(moments):
        places.append(np.repeat(some, nodes.shape[1]))
        values.append((middle[some, None] + half[some, None] * nodes).ravel())
        weights.append(own.ravel())
    place = np.concatenate(places)
    order = np.argsort(place, kind="stable")
    return place[order], np.concatenate(values)[order], np.concatenate(weights)[order]
