"""Parquet files as a table of DuckDB, which reads what a query needs and no more."""

from __future__ import annotations

from typing import Any

import ibis

from data_science.errors import SchemaError


def parquet(path: str) -> Any:
    """Return an Ibis table of one file, or of all that a pattern such as ``"clients/*.parquet"`` names.

    Raises
    ------
    SchemaError
        If DuckDB cannot read it.
    """
    import duckdb

    try:
        return ibis.duckdb.connect().read_parquet(path)
    except duckdb.Error as error:
        raise SchemaError(f"{path} cannot be read as Parquet ({error})") from error
