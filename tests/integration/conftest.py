"""One embedded PostgreSQL per test session, and private ones for tests that break theirs."""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count

import pandas as pd
import pytest

from de.embedded import Coordinates, PostgresServer, add_company

N_CLIENTS = 2_000

CompanyFactory = Callable[..., Coordinates]
Query = Callable[..., pd.DataFrame]


@pytest.fixture(scope="session")
def shared_server() -> Iterator[PostgresServer]:
    """The session's server: add databases to it, but never stop it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def company(shared_server: PostgresServer) -> Coordinates:
    """Scenario no-signal, 2,000 clients; shared, so read only."""
    return add_company(shared_server, "no_signal", scenario="no-signal", n_clients=N_CLIENTS)


@pytest.fixture(scope="session")
def signal_company(shared_server: PostgresServer) -> Coordinates:
    """Scenario signal, 2,000 clients; shared, so read only."""
    return add_company(shared_server, "signal", scenario="signal", n_clients=N_CLIENTS)


@pytest.fixture(scope="session")
def _names() -> Iterator[str]:
    return (f"private_{number}" for number in count())


@pytest.fixture
def new_company(shared_server: PostgresServer, _names: Iterator[str]) -> CompanyFactory:
    """Make a database of the test's own on the shared server; keywords as for ``add_company``."""

    def make(**wanted: object) -> Coordinates:
        return add_company(shared_server, next(_names), **{"n_clients": 500, **wanted})

    return make


@pytest.fixture
def fresh_server() -> Iterator[PostgresServer]:
    """A server of the test's own, to stop, kill, pause or restart; fill it with ``add_company``."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def query() -> Query:
    """``query(company, statement, *values, user="admin")`` runs the statement and returns its rows."""

    def run(company: Coordinates, statement: str, *values: object, user: str = "admin") -> pd.DataFrame:
        with closing(company.connect(user)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            names = [column.name for column in cursor.description or ()]
            return pd.DataFrame(cursor.fetchall() if names else [], columns=names)

    return run
