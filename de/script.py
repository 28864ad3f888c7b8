"""Runs the files in de/sql from Python with psql's variable syntax, so that psql runs the same files."""

import re
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 (psycopg2 names its class in lower case)

FOLDER = Path(__file__).with_name("sql")
_VARIABLE = re.compile(r":'(\w+)'")


def run(connection: Connection, name: str, **variables: str | int) -> list[str]:
    """Execute ``de/sql/<name>`` inside the open transaction and return what the server remarked.

    Parameters
    ----------
    connection
        Open connection; the caller commits.
    name
        File name in ``de/sql``.
    variables
        Values for every ``:'variable'`` of the file, inserted as quoted literals.

    Raises
    ------
    KeyError
        If the file asks for a variable that is not given.
    """
    text = (FOLDER / name).read_text(encoding="utf-8")
    before = len(connection.notices)
    with connection.cursor() as cursor:
        cursor.execute(_fill(text, variables))
    return [notice.strip() for notice in connection.notices[before:]]


def _fill(text: str, variables: dict[str, str | int]) -> sql.Composed:
    # split() with one group alternates between plain text and variable names.
    pieces = _VARIABLE.split(text)
    return sql.Composed(
        sql.Literal(str(variables[piece])) if position % 2 else sql.SQL(piece)
        for position, piece in enumerate(pieces)
    )
