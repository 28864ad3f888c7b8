"""Open connections to PostgreSQL; translate what goes wrong on them.

Changes with SQLAlchemy, psycopg2 or libpq.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from data_science.errors import DatabaseError, SettingsError
from data_science.settings.job import DatabaseSettings
from data_science.sources.postgres import answers, refusals
from data_science.sources.postgres.obstacles import NotReadyError, Obstacle
from data_science.sources.postgres.supervision import Supervised

CONNECT_TIMEOUT_S = 10


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
        "client_encoding": "utf8",  # whatever PGCLIENTENCODING, the role or the database says
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
            supervised.connected(driver(connection).fileno())
            yield connection
    except (DBAPIError, psycopg2.Error, UnicodeDecodeError) as error:
        if isinstance(error, UnicodeDecodeError) and not connecting:
            raise
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        sqlstate: str | None = getattr(cause, "pgcode", None)
        if connecting and sqlstate is None:
            raise NotReadyError(_refusal(engine, refusals.message_of(cause))) from error
        obstacle = answers.of_statement(table, sqlstate, str(cause))
        if obstacle is None:
            raise DatabaseError(
                f"{table} cannot be read: {str(cause).strip()} (SQLSTATE {sqlstate})"
            ) from error
        raise NotReadyError(obstacle) from error


def _refusal(engine: Engine, message: str) -> Obstacle:
    """Judge why no connection could be opened."""
    sqlstate = None
    if answers.server_answered(message):
        _, arguments = engine.dialect.create_connect_args(engine.url)
        sqlstate = refusals.sqlstate_of(arguments, CONNECT_TIMEOUT_S)
    return answers.of_connecting(message, sqlstate)


def limit_statements(connection: Connection, statement_s: float) -> None:
    """Give each statement of the transaction so long, and none a place in the queue for a lock.

    A look must never queue behind the ETL: a lock that is not had at once is news in itself.
    """
    connection.execute(sqlalchemy.text("SET LOCAL lock_timeout = '2s'"))
    connection.execute(sqlalchemy.text(f"SET LOCAL statement_timeout = {max(1, round(1000 * statement_s))}"))


def driver(connection: Connection) -> psycopg2.extensions.connection:
    """Return psycopg2's own connection."""
    found: psycopg2.extensions.connection = connection.connection.driver_connection  # type: ignore[assignment]
    return found
