"""Copy a relation as text, with all columns that can be had.

Changes with how COPY is used. A column that is asked for must come; another is left out, and that is said, if
this role may not read it or the server cannot send it.
"""

import io
import logging
import uuid
from collections.abc import Buffer, Collection, Sequence

import psycopg2
import sqlalchemy
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 (psycopg2 names its class in lower case)
from sqlalchemy import Connection

from data_science.sources.postgres import obstacles, relations
from data_science.sources.postgres.obstacles import NotReadyError
from data_science.sources.postgres.postgres import driver
from data_science.sources.postgres.relations import Column, Relation
from data_science.sources.postgres.supervision import Supervised
from data_science.sources.postgres.table_text import TableText

log = logging.getLogger(__name__)

_READ_LIMITS = sqlalchemy.text("""
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = 0;
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL extra_float_digits = 3;
""")
# What may be wrong with one column while the others can be had: values, rights, a function that refuses.
_OF_A_COLUMN = (psycopg2.DataError, psycopg2.ProgrammingError, psycopg2.errors.RaiseException)
_COMMENT = sqlalchemy.text("SELECT obj_description(CAST(:oid AS oid), 'pg_class')")


def copy(
    connection: Connection, relation: Relation, supervised: Supervised, asked: Collection[str] = ()
) -> tuple[TableText, int]:
    """Return all rows and the comment of one snapshot, and how many rows there are.

    Parameters
    ----------
    connection
        In a transaction that has taken no snapshot yet.
    relation
        What to copy.
    supervised
        Is told of every sign of life.
    asked
        Columns without which the rows are of no use; the others are left out if they cannot be had.
    """
    connection.execute(_READ_LIMITS)
    with driver(connection).cursor() as cursor:
        # Before the snapshot is taken: a table emptied or made anew after it would look empty in it.
        _lock(cursor, relation)
        columns = relations.columns(connection, relation)
        if not columns:
            raise NotReadyError(obstacles.missing(relation.name))
        said = comment(connection, relation)
        wanted = [each for each in columns if each.readable and each.is_text]
        for column in columns:
            if column not in wanted:
                why = "its name is not UTF-8" if column.readable else "this role may not read it"
                _leave_out(relation, column, why)
        copied = _Copy(cursor, relation, supervised)
        try:
            n_rows = copied.take(wanted)
        except _OF_A_COLUMN as error:
            wanted = copied.sendable(wanted, asked, error)
            n_rows = copied.take(wanted)
    types = {each.name: each.sql_type for each in wanted}
    return TableText(relation.name, types, copied.null, copied.content, said, frozenset(asked)), n_rows


def _lock(cursor: Cursor, relation: Relation) -> None:
    """Lock the relation as a read would; where that takes more rights than a read, go without.

    Then a table made anew at this moment has another number of rows than was counted, and is looked at again.
    """
    cursor.execute("SAVEPOINT lock")
    try:
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(_name(relation)))
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.WrongObjectType):
        cursor.execute("ROLLBACK TO SAVEPOINT lock")


def _name(relation: Relation) -> sql.Identifier:
    return sql.Identifier(relation.schema, relation.name)


def _leave_out(relation: Relation, column: Column, why: str) -> None:
    log.warning("%s is read without its column %s: %s", relation.name, column.name, why)


def comment(connection: Connection, relation: Relation) -> str | None:
    """Return the table's comment in the snapshot of its rows; also None if it may not be read."""
    with driver(connection).cursor() as cursor:
        cursor.execute("SAVEPOINT comment")
        try:
            found = connection.execute(_COMMENT, {"oid": relation.oid}).scalar_one()
        except (sqlalchemy.exc.DBAPIError, UnicodeError):
            # No privilege, another kind of server, bytes that are no text: no reason not to read the rows.
            cursor.execute("ROLLBACK TO SAVEPOINT comment")
            return None
    return None if found is None else str(found)


class _Copy:
    """COPY of one relation in one snapshot, to be tried with fewer columns."""

    def __init__(self, cursor: Cursor, relation: Relation, supervised: Supervised) -> None:
        self.null = f"NULL {uuid.uuid4().hex}"
        self.content = io.BytesIO()
        self._cursor, self._relation, self._supervised = cursor, relation, supervised

    def take(self, columns: Sequence[Column]) -> int:
        """Copy the rows into `content` and return how many there are."""
        self._cursor.execute("SAVEPOINT copy")
        command = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv, NULL {}, ENCODING 'UTF8')").format(
            sql.SQL(", ").join(map(_exactly, columns)), _name(self._relation), sql.Literal(self.null)
        )
        self.content = _Listening(self._supervised)
        self._cursor.copy_expert(command, self.content)
        return self._cursor.rowcount

    def sendable(
        self, columns: Sequence[Column], asked: Collection[str], error: psycopg2.Error
    ) -> list[Column]:
        """Return the columns without those that the server cannot send; raise if one of them is asked for."""
        left_out: dict[Column, str] = {}
        for column in columns:
            self._cursor.execute("ROLLBACK TO SAVEPOINT copy")
            try:
                self.take([column])
            except _OF_A_COLUMN as fault:
                if column.name in asked:
                    raise
                left_out[column] = str(fault.diag.message_primary)
        if len(left_out) in (0, len(columns)):
            raise error
        self._cursor.execute("ROLLBACK TO SAVEPOINT copy")
        for column, why in left_out.items():
            _leave_out(self._relation, column, why)
        return [each for each in columns if each not in left_out]


def _exactly(column: Column) -> sql.Composable:
    # A real is written with the digits that tell it from other reals; as a double it would be another number.
    name = sql.Identifier(column.name)
    return sql.SQL("{}::double precision").format(name) if column.sql_type == "real" else name


class _Listening(io.BytesIO):
    """Takes what arrives, and notes that something did."""

    def __init__(self, supervised: Supervised) -> None:
        super().__init__()
        self._supervised = supervised

    def write(self, chunk: Buffer) -> int:
        self._supervised.heard()
        return super().write(chunk)
