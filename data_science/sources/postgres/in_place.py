"""Ask a table by the texts of queries, each on a connection of its own, instead of copying its rows.

Changes with the types that queries can be written for.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from importlib.util import find_spec
from types import MappingProxyType

import pandas as pd
from sqlalchemy import Connection

from data_science.errors import installing
from data_science.sources.postgres import relations
from data_science.sources.postgres.postgres import driver
from data_science.sources.postgres.readiness import Visit
from data_science.sources.postgres.relations import Relation

log = logging.getLogger(__name__)
#: Rows from which a table stays where it is: fewer are copied in seconds, and a fit keeps more of them.
LEAST_ROWS = 1_000_000
_TYPES = MappingProxyType(
    {
        "smallint": "int16", "integer": "int32", "bigint": "int64", "real": "float32",
        "double precision": "float64", "numeric": "decimal", "boolean": "boolean",
        "text": "string", "character": "string", "character varying": "string",
    }
)  # fmt: skip
#: Doubles to the last bit; and rows in the order in which they lie, whoever else is reading them: a sample is
#: taken by their places.
_SETTINGS = (
    "SET LOCAL lock_timeout = '2s'; SET LOCAL extra_float_digits = 3; SET LOCAL synchronize_seqscans = off"
)


def is_possible() -> bool:
    """Whether what writes the queries is installed; if not, that is said."""
    if find_spec("ibis") is None:
        log.info("the rows are copied; to leave them in the database, %s", installing("warehouse"))
        return False
    return True


def types(connection: Connection, relation: Relation, asked: Collection[str]) -> dict[str, str] | None:
    """Return the types of the columns that are asked for; None if one is missing, or has no type of Ibis."""
    found = {each.name: _TYPES.get(each.sql_type) for each in relations.columns(connection, relation)}
    wanted = {name: kind for name in found if name in asked and (kind := found[name]) is not None}
    return wanted if len(wanted) == len(asked) else None


def rows(visit: Visit, text: str) -> pd.DataFrame:
    """Return the rows of one query; the server may be silent as long as while it sends a copy."""
    visit.supervised.allow(visit.memory.longer * visit.patience.silence_s)
    with driver(visit.connection).cursor() as cursor:
        cursor.execute(_SETTINGS)
        cursor.execute(text)
        names = [column.name for column in cursor.description or ()]
        return pd.DataFrame(cursor.fetchall(), columns=names)
