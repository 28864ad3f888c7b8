"""A table and how its engine is asked: an Ibis connection, or the text of a query through another door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import ibis
import pandas as pd

from data_science.data.frames import as_frame, with_floats, without_dictionaries
from data_science.data.queried import Queried
from data_science.errors import SchemaError, SettingsError


@dataclass(frozen=True, slots=True)
class Relation:
    """An Ibis table with the engine that holds its rows."""

    table: Any
    dialect: str
    ask: Callable[[Any], pd.DataFrame]  # computes a query and returns all of its rows
    copied: Callable[[], pd.DataFrame] | None = None  # returns all rows, where they may be any number

    @classmethod
    def of(cls, table: Any) -> Self:
        """Ask the engine that an Ibis table is connected to.

        Raises
        ------
        SettingsError
            If it is connected to none.
        """
        from ibis.common.exceptions import IbisError

        try:
            dialect = str(table.get_backend().name)
        except IbisError as error:
            raise SettingsError(
                f"the table belongs to no one engine ({error}); expected a table of a connection, such as "
                "ibis.duckdb.connect().table(...)"
            ) from error
        return cls(table, dialect, _arrow)

    @classmethod
    def of_queried(cls, found: Queried) -> Self:
        """Ask a table that stays where it is."""
        table = ibis.table(dict(found.types), name=found.name, database=found.schema)
        # As doubles: as text, a real is the shortest that is nearest to it.
        reals = {name: table[name].cast("float64") for name, kind in found.types.items() if kind == "float32"}
        asked = cls.as_text(table.mutate(**reals) if reals else table, found.dialect, found.run)
        return cls(asked.table, asked.dialect, asked.ask, found.copied)

    @classmethod
    def as_text(cls, table: Any, dialect: str, run: Callable[[str], pd.DataFrame]) -> Self:
        """Ask by the text of a SELECT, so that whoever has a connection keeps it.

        Parameters
        ----------
        table : ibis table
            Without a connection: its name and types.
        dialect : str
        run : callable
            Returns the rows of a text.
        """
        return cls(table, dialect, lambda query: with_floats(run(str(ibis.to_sql(query, dialect)))))


def _arrow(query: Any) -> pd.DataFrame:
    found: pd.DataFrame = as_frame(query)
    return without_dictionaries(found)


def changed(before: int, now: int) -> SchemaError:
    """Return what is raised where two statements saw different rows."""
    return SchemaError(
        f"the table had {before:,} rows, then {now:,}; expected one that stays as it is while it is read. "
        "Give a snapshot of it"
    )
