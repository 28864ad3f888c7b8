"""The company's database played by an embedded PostgreSQL: roles, tables and stand-in data, ready to read."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 (psycopg2 names its class in lower case)

from de import script
from de.errors import ServerError
from de.load import (
    N_CLIENTS,
    LoadError,
    Passwords,
    Scenario,
    create_roles,
    create_tables,
    generate,
    load_csv,
    process_data,
)
from de.server import PostgresServer

__all__ = ["Coordinates", "LoadError", "PostgresServer", "ServerError", "add_company", "embedded_company"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Where a company database listens, and the passwords of its users."""

    hostname: str
    port: int
    database: str
    passwords: Passwords = field(default_factory=Passwords)

    def connect(self, user: str = "admin") -> Connection:
        """Open a connection as ``admin``, ``ds_user`` or ``mle_user``; the caller closes it."""
        return psycopg2.connect(
            host=self.hostname,
            port=self.port,
            dbname=self.database,
            user=user,
            password=getattr(self.passwords, user),
            connect_timeout=10,
            client_encoding="utf8",
        )

    def environment(self) -> dict[str, str]:
        """Environment variables with which the training job connects here as ``ds_user``."""
        return {
            "DB_HOSTNAME": self.hostname,
            "DB_PORT": str(self.port),
            "DB_NAME": self.database,
            "DS_DB_USER": "ds_user",
            "DS_DB_PASSWORD": self.passwords.ds_user,
        }


def add_company(
    server: PostgresServer,
    database: str = "companydata",
    *,
    scenario: Scenario | None = "no-signal",
    n_clients: int = N_CLIENTS,
    seed: int = 1,
    files: Path | None = None,
) -> Coordinates:
    """Put a company database with roles, tables and data on a running server.

    Parameters
    ----------
    server
        A started server.
    database
        Name of the database, made if it is not there; its source tables are filled anew.
    scenario
        See ``de.load.generate``; None leaves the source tables empty and runs no ETL.
    n_clients, seed
        Size and seed of the stand-in data.
    files
        Folder of the company's own CSV files; then only what is missing is generated, as ``de.load.load_csv``
        says.

    Raises
    ------
    LoadError
        If the files are not what the tables need, or the database refuses them.
    ServerError
        If the server goes away.
    """
    try:
        _fill(server, database, scenario, n_clients, seed, files)
    except psycopg2.Error as error:
        said = " ".join(str(error).split())
        raise ServerError(f"the server failed while {database} was being made: {said}") from error
    return Coordinates(server.hostname, server.port, database, server.passwords)


def _fill(
    server: PostgresServer,
    database: str,
    scenario: Scenario | None,
    n_clients: int,
    seed: int,
    files: Path | None,
) -> None:
    server.create_database(database)
    started = time.monotonic()
    with closing(server.connect(database)) as connection:
        create_roles(connection, server.passwords)
        create_tables(connection)
        if scenario:
            with script.transaction(connection):
                if files:
                    load_csv(connection, files, scenario=scenario, n_clients=n_clients, seed=seed)
                    filled = f"files of {files} loaded"
                else:
                    generate(connection, scenario, n_clients, seed)
                    filled = f"{n_clients} stand-in clients ({scenario}) generated"
                loaded = time.monotonic()
                process_data(connection)
            log.info(
                "%s: %s in %.1f s, ETL in %.1f s",
                *(database, filled, loaded - started, time.monotonic() - loaded),
            )


@contextmanager
def embedded_company(
    scenario: Scenario = "no-signal",
    n_clients: int = N_CLIENTS,
    seed: int = 1,
    folder: Path | None = None,
    files: Path | None = None,
) -> Iterator[Coordinates]:
    """Run a PostgreSQL that plays the company's, loaded with data, while the block runs.

    Parameters
    ----------
    scenario, n_clients, seed, files
        See ``add_company``.
    folder
        Data folder to use and keep; by default a temporary one that is removed at the end.

    Raises
    ------
    ServerError
        If PostgreSQL cannot run here.
    LoadError
        If the files are not what the tables need.
    """
    started = time.monotonic()
    with PostgresServer(folder) as server:
        log.info(
            "PostgreSQL listens on %s:%d after %.1f s",
            *(server.hostname, server.port, time.monotonic() - started),
        )
        yield add_company(server, scenario=scenario, n_clients=n_clients, seed=seed, files=files)
