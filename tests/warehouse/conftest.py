"""Makes the helper modules of this folder and of the unit tests importable; and the engines."""

import sys
from contextlib import closing
from pathlib import Path

import pytest

from de.embedded import PostgresServer, add_company

for folder in (Path(__file__).parent, Path(__file__).parents[1] / "unit"):
    sys.path.insert(0, str(folder))


@pytest.fixture(scope="session")
def company():
    """A company's embedded PostgreSQL."""
    with PostgresServer() as server:
        yield add_company(server, "warehouse", n_clients=500)


@pytest.fixture(scope="session")
def postgres(company):
    """Ask the embedded PostgreSQL, as the admin: ``postgres(text)`` returns rows."""
    with closing(company.connect("admin")) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def ask(text):
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else None

        ask.cursor = cursor
        yield ask
