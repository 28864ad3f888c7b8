"""One embedded PostgreSQL per test session, and private ones for tests that break theirs."""

import gzip
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pandas as pd
import pytest

from data_science.sources.postgres import waiting
from de.embedded import Coordinates, PostgresServer, add_company

sys.path.insert(0, str(Path(__file__).parent))
from dresses import Wardrobe

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


@pytest.fixture(scope="session")
def slow_down(query: Query) -> Callable[[Coordinates, float], None]:
    """``slow_down(company, seconds)`` makes the read of each row take so long, but not their count."""

    def slow(company: Coordinates, seconds: float) -> None:
        query(
            company,
            "CREATE FUNCTION slow(int) RETURNS text LANGUAGE plpgsql STABLE "  # counting does not call it
            f"AS 'BEGIN PERFORM pg_sleep({seconds}); RETURN $1; END'",
        )
        query(company, "ALTER TABLE feature_store RENAME TO quick")
        query(company, "CREATE VIEW feature_store AS SELECT *, slow(idx) AS slept FROM quick")

    return slow


@pytest.fixture(scope="session")
def await_copy() -> Callable[[Coordinates], None]:
    """``await_copy(company)`` returns when ds_user is being sent the rows of a table."""
    copying = (
        "SELECT FROM pg_stat_activity WHERE usename = 'ds_user' AND state = 'active' AND query ~* '^ *copy'"
        " AND datname = current_database()"
    )

    def wait(company: Coordinates) -> None:
        with closing(company.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while True:
                    cursor.execute(copying)
                    if cursor.rowcount:
                        return
                    time.sleep(0.01)

    return wait


@pytest.fixture
def partial(tmp_path):
    """Files of the company's shape: profiles and labels of some clients, stores and sales, packed or not."""
    clients = [3, 4, 17, 18, 40_000, 40_001]
    lines = {
        "customer_profiles.csv.gz": [
            "idx,attr_a,attr_b,attr_c",
            *(f"{n},{n % 5 + 1},c,yes" for n in clients),
        ],
        "labels.csv": ["idx,label", *(f"{n},{n % 2}" for n in clients)],
        "stores.csv.gz": ["idx,location", "1,New York", "2,Lisbon"],
        "sales.csv": ["idx,value,date,store_idx", "27,1.3,2020-01-21,1", "187,1.8,2020-01-11,2"],
    }
    for name, text in lines.items():
        data = "\r\n".join(text).encode()
        tmp_path.joinpath(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return tmp_path, clients


@pytest.fixture(scope="module")
def wardrobe(shared_server: PostgresServer, _names: Iterator[str]) -> Iterator[Wardrobe]:
    """A database of the module's own, to dress its feature_store of 40 rows in; no clients to compare with."""
    company = add_company(shared_server, next(_names), n_clients=40)
    with closing(company.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE feature_store RENAME TO original; DROP TABLE customer_profiles")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting, "LOOK_AT_LEAST_S", 60)  # one look, on the busiest machine
        yield Wardrobe(company)
