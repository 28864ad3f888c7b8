"""Open connections to PostgreSQL, look a table up and copy it; translate what goes wrong.

Changes with SQLAlchemy, psycopg2 or PostgreSQL. Only this module knows them.
"""

import io
import uuid
from collections.abc import Buffer, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
import sqlalchemy
from psycopg2 import sql
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from data_science.errors import DatabaseError, SettingsError
from data_science.settings.job import DatabaseSettings
from data_science.sources.postgres import obstacles
from data_science.sources.postgres.obstacles import NotReadyError
from data_science.sources.postgres.supervision import Supervised
from data_science.sources.postgres.table_text import TableText

CONNECT_TIMEOUT_S = 10

# A look must never queue behind the ETL: a lock that is not had at once is news in itself.
LOOK_LIMITS = sqlalchemy.text("SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '25s'")
_READ_LIMITS = sqlalchemy.text("""
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = 0;
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL extra_float_digits = 3;
""")
# The name is resolved on the search path, as an unqualified name in a query would be.
_RELATION = sqlalchemy.text("""
SELECT
    c.oid,
    n.nspname,
    c.relname,
    c.relkind IN ('r', 'p', 'v') AS lockable,
    has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(:name)
""")
_WRITERS = sqlalchemy.text("""
SELECT count(*)
FROM pg_locks
WHERE locktype = 'relation' AND relation = :oid AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
AND pid IS DISTINCT FROM pg_backend_pid()
""")
_COLUMNS = """
SELECT a.attname, format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, NULL)
FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_COMMENT = "SELECT obj_description(to_regclass(%s), 'pg_class')"


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view that exists."""

    oid: int
    schema: str
    name: str
    lockable: bool
    readable: bool  # by this user, all columns


def make_engine(database: DatabaseSettings) -> Engine:
    """Return a function that opens read-only connections, a new one each time; it connects to nothing yet."""
    if database.hostname is None:
        raise SettingsError(
            "DB_HOSTNAME is unset; expected a running server. Start the embedded one first and give its "
            "host and port, as main.py does"
        )
    url = sqlalchemy.URL.create(
        "postgresql+psycopg2",
        username=database.user,
        password=database.password,
        host=database.hostname,
        port=database.port,
        database=database.name,
        query={"sslmode": database.sslmode},
    )
    options = {
        "application_name": "data_science",
        "connect_timeout": CONNECT_TIMEOUT_S,
        # A machine that went away without a word is noticed by the kernel within half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
        "tcp_user_timeout": 30_000,
    }
    return sqlalchemy.create_engine(
        url,
        poolclass=sqlalchemy.NullPool,
        isolation_level="REPEATABLE READ",
        connect_args=options,
        hide_parameters=True,
    ).execution_options(postgresql_readonly=True)


@contextmanager
def connected(engine: Engine, table: str, supervised: Supervised) -> Iterator[Connection]:
    """Open a connection; translate what goes wrong on it into what is in the way."""
    connecting = True
    try:
        with engine.connect() as connection:
            connecting = False
            supervised.connected(_driver(connection).fileno())
            yield connection
    except (DBAPIError, psycopg2.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        sqlstate: str | None = getattr(cause, "pgcode", None)
        if connecting and sqlstate is None:
            raise NotReadyError(obstacles.of_connecting(str(cause))) from error
        obstacle = obstacles.of_statement(table, sqlstate)
        if obstacle is None:
            raise DatabaseError(
                f"{table} cannot be read: {str(cause).strip()} (SQLSTATE {sqlstate})"
            ) from error
        raise NotReadyError(obstacle) from error


def _driver(connection: Connection) -> psycopg2.extensions.connection:
    driver: psycopg2.extensions.connection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver


def find(connection: Connection, table: str) -> Relation | None:
    """Return what the name means on the search path; None if nothing."""
    row = connection.execute(_RELATION, {"name": table}).one_or_none()
    return None if row is None else Relation(*row)


def is_being_changed(connection: Connection, relation: Relation) -> bool:
    """Return whether another session holds a lock under which it writes, empties or alters the table."""
    return bool(connection.execute(_WRITERS, {"oid": relation.oid}).scalar_one())


def count(connection: Connection, relation: Relation) -> int:
    """Return the number of rows."""
    table = sqlalchemy.table(relation.name, schema=relation.schema)
    n_rows: int = connection.execute(
        sqlalchemy.select(sqlalchemy.func.count()).select_from(table)
    ).scalar_one()
    return n_rows


def copy(connection: Connection, relation: Relation, supervised: Supervised) -> tuple[TableText, int]:
    """Return all rows and the comment of one snapshot, and how many rows there are."""
    connection.execute(_READ_LIMITS)
    name = sql.Identifier(relation.schema, relation.name)
    with _driver(connection).cursor() as cursor:
        if relation.lockable:
            # Before the snapshot is taken: a table emptied or made anew after it would look empty in it.
            cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(name))
        cursor.execute(_COLUMNS, [name.as_string(cursor)])
        types = dict(cursor.fetchall())
        if not types:
            raise NotReadyError(obstacles.missing(relation.name))
        comment = _comment(cursor, relation)
        null = f"NULL {uuid.uuid4().hex}"
        command = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv, NULL {}, ENCODING 'UTF8')").format(
            sql.SQL(", ").join(_exactly(column, sql_type) for column, sql_type in types.items()),
            name,
            sql.Literal(null),
        )
        content = _Listening(supervised)
        cursor.copy_expert(command, content)
        return TableText(relation.name, types, null, content, comment), cursor.rowcount


def _comment(cursor: psycopg2.extensions.cursor, relation: Relation) -> str | None:
    """Return the table's comment in the snapshot of its rows; also None if it may not be read."""
    cursor.execute("SAVEPOINT comment")
    try:
        cursor.execute(_COMMENT, [sql.Identifier(relation.schema, relation.name).as_string(cursor)])
        (comment,) = cursor.fetchone() or (None,)
    except (psycopg2.ProgrammingError, psycopg2.DataError, UnicodeError):
        # No privilege, another kind of server, bytes that are no text: no reason not to read the rows.
        cursor.execute("ROLLBACK TO SAVEPOINT comment")
        return None
    return None if comment is None else str(comment)


def _exactly(name: str, sql_type: str) -> sql.Composable:
    # A real is written with the digits that tell it from other reals; as a double it would be another number.
    column = sql.Identifier(name)
    return sql.SQL("{}::double precision").format(column) if sql_type == "real" else column


class _Listening(io.BytesIO):
    """Takes what arrives, and notes that something did."""

    def __init__(self, supervised: Supervised) -> None:
        super().__init__()
        self._supervised = supervised

    def write(self, chunk: Buffer) -> int:
        self._supervised.heard()
        return super().write(chunk)
