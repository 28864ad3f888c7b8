"""Runs the files in de/sql from Python with psql's variable syntax, so that psql runs the same files."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 (psycopg2 names its class in lower case)

from de.errors import LoadError

FOLDER = Path(__file__).with_name("sql")
_VARIABLE = re.compile(r":'(\w+)'")
_in_transaction: set[Connection] = set()


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Commit when the block ends, roll back if it fails; a block inside it is part of it.

    Raises
    ------
    LoadError
        If the database refuses a statement or goes away.
    """
    if connection in _in_transaction:
        yield
        return
    _in_transaction.add(connection)
    try:
        with connection:
            yield
    except psycopg2.Error as error:
        message = ". ".join((error.diag.message_primary or str(error)).strip().splitlines())
        hint = f". {error.diag.message_hint.rstrip('.')}" if error.diag.message_hint else ""
        lost = ", unless the connection was lost while they were being changed" if connection.closed else ""
        raise LoadError(f"{message}{hint}. All tables are unchanged{lost}") from error
    finally:
        _in_transaction.discard(connection)


def run(connection: Connection, name: str, **variables: str | int) -> list[str]:
    """Execute ``de/sql/<name>`` inside the open transaction and return the server's notices.

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
