"""Ask an engine for what stands for the rows of a table: sums per cell and response, extremes, a sample.

Wrong values are among the keys or the extremes, so the check of a frame finds them, and counts their rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd

from data_science.arrays import Floats
from data_science.data import columns
from data_science.data.dataset import Schema
from data_science.data.faults import RowFault
from data_science.data.fingerprint import OF_SUMS, fingerprint
from data_science.data.numbers import LARGEST
from data_science.errors import SchemaError
from data_science.formula import training_data
from data_science.formula.encoding import Encoding
from data_science.formula.roles import Roles
from data_science.formula.specification import ModelSpecification
from data_science.formula.tallied import Expected, TalliedFrame
from data_science.warehouse.arithmetic import number
from data_science.warehouse.gradient import expected_successes
from data_science.warehouse.power_sums import (
    COUNT,
    FIRST,
    HIGH,
    LOW,
    PREFIX,
    SUMS,
    Unit,
    as_number,
    grouped,
    nodes_of,
)
from data_science.warehouse.relation import Relation, changed
from data_science.warehouse.served import NeedsRowsError, replaced_column, require_plain

#: Rows up to which a table is fetched: there is little to gain, and a fit looks at as many rows anyway.
FEW = 50_000
MOST_GROUPS = 200_000  # cells by response, with a dozen numbers each


@dataclass(frozen=True, slots=True, eq=False)
class TableData:
    """What `data_science.data.dataset.Dataset` is for rows that stay in their engine."""

    frame: TalliedFrame
    n_rows: int
    base_rate: float
    fingerprint: str  # of counts, extremes and rounded sums by cell and response


def tallied(
    relation: Relation,
    specification: ModelSpecification,
    schema: Schema | None,
    n_rows: int,
    *,
    exact: bool,
) -> TableData:
    """Check a table, and find what stands for its rows; see `data_science.warehouse.training.validated`.

    Raises
    ------
    SchemaError
        With the faults of the rows, or if their number changes meanwhile.
    NeedsRowsError
        If sums per cell cannot serve.
    """
    table, key = relation.table, training_data.key_of(specification, schema)
    require_plain(specification)
    if any(name.startswith(PREFIX) for name in table.columns):
        raise NeedsRowsError(f"a column's name begins with {PREFIX}")
    sample = relation.ask(_sample(table, n_rows))
    roles = Roles.of(specification, sample)
    column = replaced_column(roles, sample)
    if exact and column is not None:
        raise NeedsRowsError("exact=True keeps every distinct row")
    read = dict.fromkeys((*roles.levels, *roles.numbers, *specification.response.wanted))
    keys = [name for name in read if name != column]
    first = key if key in table.columns else None
    unit, query = _unit(relation, column), table
    if unit is None and column is not None:  # there are faults: the wrong values become keys
        x = as_number(table[column])
        # The difference is computed; a comparison DuckDB may answer by statistics, which leave NaN out.
        is_right = ((x - x == number(0.0)) & (x.abs() <= number(LARGEST))).fill_null(False)
        wrong = {"wrong": ibis.ifelse(is_right, ibis.null("float64"), x), "right": is_right}
        query = table.mutate(**{f"{PREFIX}{name}": value for name, value in wrong.items()})
        keys = [*keys, *(f"{PREFIX}{name}" for name in wrong)]
    groups = relation.ask(grouped(query, keys, column, unit, first, relation.dialect).limit(MOST_GROUPS + 1))
    if len(groups) > MOST_GROUPS:
        raise NeedsRowsError(f"there are more than {MOST_GROUPS:,} combinations of {', '.join(keys)}")
    by, as_text = ([FIRST], None) if first is not None else (keys, lambda values: values.astype(str))
    groups = groups.sort_values(by, key=as_text, kind="stable", ignore_index=True)
    extremes, place, counts = _extremes(groups, column, first)
    data = training_data.validated(extremes, specification, schema, counts)
    if data.n_rows != n_rows:
        raise changed(n_rows, data.n_rows)
    _require_unique(relation, first, n_rows)
    typed = data.frame.drop(columns=[name for name in (first,) if name is not None])
    one_each = typed.iloc[np.unique(place, return_index=True)[1]].reset_index(drop=True)
    order = one_each.sort_values([name for name in keys if name in one_each], kind="stable").index
    groups, one_each = (part.iloc[order].reset_index(drop=True) for part in (groups, one_each))
    nodes, weights = one_each, groups[COUNT].to_numpy(np.float64)
    if column is not None and unit is not None:
        at, values, weights = nodes_of(groups, unit)
        nodes = one_each.iloc[at].reset_index(drop=True)
        nodes[column] = values
    expected = _expected(relation, column, n_rows)
    sample = _typed(sample, roles, specification)
    frame = TalliedFrame(nodes, weights, n_rows, column, typed, sample, expected)
    return TableData(frame, n_rows, data.base_rate, _digest(one_each, groups))


def _expected(relation: Relation, column: str | None, n_rows: int) -> Expected:
    """Ask for the gradient of all rows, once for the same coefficients: of the check, and of the fit."""
    answers: dict[tuple[tuple[str, ...], bytes], Floats] = {}

    def asked(encoding: Encoding, coefficients: Floats) -> Floats:
        key = tuple(encoding.slices), coefficients.tobytes()
        if key not in answers:
            answers[key] = expected_successes(relation, encoding, coefficients, column, n_rows)
        return answers[key]

    return asked


def _sample(table: Any, n_rows: int) -> Any:
    """Return the query for :data:`FEW` rows, evenly spaced in the order in which the engine reads them.

    Those are the places ``j (n - 1) / (FEW - 1)``, rounded down, as of a frame.
    """
    place = f"{PREFIX}row"
    numbered = table.mutate(**{place: ibis.row_number().cast("int64")})
    beyond = (numbered[place] * (FEW - 1)) % (n_rows - 1)
    return numbered.filter((beyond == 0) | (n_rows - 1 - beyond < FEW - 1)).drop(place)


def _unit(relation: Relation, column: str | None) -> Unit | None:
    """Look at the column's extremes; None without a column, or where it has values that are no numbers."""
    if column is None:
        return None
    table, x = relation.table, as_number(relation.table[column])
    found = relation.ask(table.aggregate(n=table.count(), there=x.count(), low=x.min(), high=x.max())).iloc[0]
    low, high = float(found["low"]), float(found["high"])
    is_right = found["n"] == found["there"] and -LARGEST <= low <= high <= LARGEST  # never of NaN
    return Unit.of(low, high) if is_right else None


def _extremes(
    groups: pd.DataFrame, column: str | None, first: str | None
) -> tuple[pd.DataFrame, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the least and the largest row of each group, its group, and the rows that it stands for."""
    place, count = np.arange(len(groups)), groups[COUNT].to_numpy(np.intp)
    rows = groups.drop(columns=[name for name in groups.columns if name.startswith(PREFIX)])
    if first is not None:
        rows.insert(0, first, groups[FIRST])
    if column is None:
        return rows, place, count
    several = np.flatnonzero(count > 1)
    ends = pd.concat([groups[LOW], groups[HIGH].iloc[several]])
    place = np.concatenate([place, several])
    counts = np.concatenate([np.maximum(count - 1, 1), np.ones(len(several), dtype=np.intp)])
    order = np.argsort(place, kind="stable")
    rows = rows.iloc[place[order]].reset_index(drop=True)
    rows[column] = ends.iloc[order].to_numpy() if ends.dtype.kind in "iuf" else ends.iloc[order].array
    return rows, place[order], counts[order]


def _require_unique(relation: Relation, key: str | None, n_rows: int) -> None:
    if key is None:
        return
    table = relation.table
    found = relation.ask(table.aggregate(n=table[key].nunique(), there=table[key].count()))
    if (missing := n_rows - int(found["there"].iloc[0])) > 0:
        remedy = "Fill in the values at the source or exclude these rows there; nothing is imputed"
        fault = RowFault(key, "NULL or NaN", "a value", remedy, missing, n_rows, "")
        raise SchemaError(f"invalid data:\n- {fault}")
    if int(found["n"].iloc[0]) == n_rows:
        return
    repeated = table.group_by(key).aggregate(n=table.count())
    repeated = repeated.filter(repeated["n"] > 1)
    found = relation.ask(repeated.aggregate(n=repeated["n"].sum(), first=repeated[key].min()))
    first = found["first"].tolist()[0]
    remedy = "Join a history on its current row only"
    fault = RowFault(
        key, "a repeated value", "one row for each value", remedy, int(found["n"].iloc[0]), n_rows,
        f"{key} {first!r}",
    )  # fmt: skip
    raise SchemaError(f"invalid data:\n- {fault}")


def _typed(sample: pd.DataFrame, roles: Roles, specification: ModelSpecification) -> pd.DataFrame:
    """Read the sample as the whole table was read, which has no fault."""
    response = specification.response
    wants = dict.fromkeys(roles.numbers, "number") | dict.fromkeys(roles.levels, "level") | response.wanted
    typed = sample.copy(deep=False)
    for name, want in wants.items():
        typed[name] = columns.read(sample[name], want).values
    if response.event is not None:
        typed[response.successes] = response.occurred(typed[response.successes])
    return roles.keep(sample, typed)


def _digest(one_each: pd.DataFrame, groups: pd.DataFrame) -> str:
    """Name the content by counts, extremes and sums of six digits, whatever the order of the rows."""
    shown = one_each.assign(**{COUNT: groups[COUNT]})
    for name in groups.columns:
        if name in (LOW, HIGH):
            shown[name] = groups[name].to_numpy(np.float64)
        elif name in (SUMS[1], SUMS[2]):
            shown[name] = [float(f"{value:.6g}") for value in groups[name]]
    return f"{OF_SUMS}{fingerprint(shown, None)}"
