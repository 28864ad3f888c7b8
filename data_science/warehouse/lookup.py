"""Tables of a model in a statement: CASE for few entries, a join on a VALUES list for many.

VALUES, not a table written once: the statement stays one text, needs no right to write, and cannot meet the
table of another version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import numpy as np
import sqlglot.expressions as sge
from ibis.expr import operations as ops

from data_science.errors import SettingsError
from data_science.warehouse.arithmetic import number

MOST_CASES = 30  # up to which CASE is as fast as a join (measured on PostgreSQL and DuckDB)
MOST_ENTRIES = 50_000  # of one VALUES list: the text of a statement has bounds
_SPARK = frozenset({"databricks", "pyspark"})


@dataclass(frozen=True, slots=True)
class Join:
    """Columns of numbers by key."""

    keys: Sequence[Any]  # distinct, of one type: text, integers or floats
    values: Mapping[str, Iterable[float]] = field(repr=False)  # by name, in the order of the keys

    def relation(self, dialect: str, key_name: str) -> Any:
        """Return the list as an Ibis table with a column of keys; NULL stands for no entry."""
        if len(self.keys) > MOST_ENTRIES:
            raise SettingsError(
                f"a table of {len(self.keys):,} entries is needed in the statement; expected at most "
                f"{MOST_ENTRIES:,}: score a model with fewer levels, or without intervals"
            )
        names = [key_name, *self.values]
        rows = [tuple(map(_text, entry)) for entry in zip(self.keys, *self.values.values(), strict=True)]
        key_type = (
            "string"
            if isinstance(self.keys[0], str)
            else ("float64" if isinstance(self.keys[0], float) else "int64")
        )
        types = {key_name: key_type} | {
            name: "int64" if isinstance(values, range) else "float64" for name, values in self.values.items()
        }
        values = sge.values(rows, alias="entries", columns=[_quoted(n) for n in names])  # type: ignore[misc]
        sql_types = {"string": "text", "float64": "double", "int64": "bigint"}
        picked = [
            sge.Alias(this=sge.cast(sge.column(_quoted(name)), sql_types[types[name]]), alias=_quoted(name))
            for name in names
        ]
        reader = "spark" if dialect in _SPARK else dialect
        query = sge.Select(expressions=picked).from_(values).sql(dialect=reader)
        nothing = ops.DummyTable({"nothing": ibis.literal(1)})  # what the text is a view of: not the rows
        return ops.SQLStringView(parent=nothing, query=query, schema=ibis.schema(types)).to_expr()


def look_up(table: Any, cell: str, values: Mapping[str, np.ndarray[Any, Any]], dialect: str) -> Any:
    """Add columns of numbers that a column of cells 0, 1, 2, ... finds; NULL finds NULL.

    Parameters
    ----------
    table : ibis table
    cell : str
        Name of the integer column.
    values : mapping from name to array, shape (cell,)
    dialect : str
    """
    n_cells = len(next(iter(values.values())))
    if n_cells <= MOST_CASES:
        return table.mutate(
            **{
                name: table[cell].cases(
                    *((place, number(value)) for place, value in enumerate(entries.tolist())),
                    else_=ibis.null("float64"),
                )
                for name, entries in values.items()
            }
        )
    used = np.flatnonzero(np.any([entries != 0.0 for entries in values.values()], axis=0))
    if not len(used):
        used = np.array([0])
    entries = Join(used.tolist(), {name: found[used].tolist() for name, found in values.items()})
    joined = join(table, entries, table[cell], f"{cell}_key", dialect)
    return joined.mutate(
        **{
            name: ibis.ifelse(joined[cell].isnull(), ibis.null("float64"), joined[name].fill_null(0.0))
            for name in values
        }
    ).drop(f"{cell}_key")


def join(table: Any, entries: Join, key: Any, key_name: str, dialect: str) -> Any:
    """Add the columns of a list to the rows whose key it has."""
    relation = entries.relation(dialect, key_name)
    return table.left_join(relation, key == relation[key_name])


def _quoted(name: str) -> sge.Identifier:
    return sge.to_identifier(name, quoted=True)


def _text(value: Any) -> Any:
    """Write a float as text, to be cast: a literal would be a decimal on some engines."""
    return repr(value) if isinstance(value, float) else value
