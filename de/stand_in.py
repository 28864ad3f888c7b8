"""Stand-in company data: all of it, or what is missing beside the company's own files.

For a run that names no database, it also starts one with these data while the run lasts.
"""

import logging
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 (psycopg2 names its class in lower case)

from de import script
from de.errors import LoadError, ServerError, VariableError
from de.source_tables import TABLES

Scenario = Literal["no-signal", "signal"]
N_CLIENTS = 150_000
log = logging.getLogger(__name__)

# Labels with a signal are made from profiles and activity, sales for the stores.
_ORDER = ("customer_profiles", "customer_activity", "labels", "stores", "sales")

_CLIENTS_OF = sql.SQL("INSERT INTO pg_temp.stand_in_clients SELECT DISTINCT idx FROM {} ORDER BY idx")


def check(scenario: str, n_clients: int, seed: int) -> None:
    """Refuse what cannot be generated.

    Raises
    ------
    LoadError
        If the scenario is unknown, there are no clients or the seed is negative.
    """
    if scenario not in get_args(Scenario):
        raise LoadError(f"scenario {scenario!r}: expected one of {', '.join(get_args(Scenario))}")
    if n_clients < 1:
        raise LoadError(f"number of clients {n_clients!r}: expected at least 1")
    if seed < 0:
        raise LoadError(f"seed {seed!r}: expected a whole number of at least 0")


def generate(
    connection: Connection, scenario: Scenario = "no-signal", n_clients: int = N_CLIENTS, seed: int = 1
) -> None:
    """Replace the rows of the source tables by stand-in data.

    Parameters
    ----------
    connection
        Connection of the tables' owner.
    scenario
        ``no-signal``: labels independent of every feature, as in the real data. ``signal``: labels
        from the logistic model whose effects the table ``signal_truth`` then holds.
    n_clients
        Number of clients; ``idx`` runs from 0 to ``n_clients - 1``.
    seed
        The same seed gives the same data on every server.
    """
    check(scenario, n_clients, seed)
    with script.transaction(connection):
        script.run(connection, "empty_tables.sql")
        fill(connection, TABLES, scenario, seed, n_clients=n_clients)


def fill(
    connection: Connection,
    tables: Collection[str],
    scenario: Scenario,
    seed: int,
    *,
    n_clients: int = N_CLIENTS,
    clients_of: str | None = None,
) -> None:
    """Generate the rows of some tables, inside the open transaction; each table says so in its comment.

    Parameters
    ----------
    connection
        Connection of the tables' owner; the caller commits.
    tables
        Empty tables; the others are filled already.
    scenario, seed, n_clients
        As in `generate`.
    clients_of
        The filled table whose clients get rows; by default they are numbered from 0.
    """
    script.run(connection, "stand_in_recipe.sql", seed=seed)
    if clients_of is None:
        script.run(connection, "stand_in_clients.sql", clients=n_clients)
    else:
        with connection.cursor() as cursor:
            cursor.execute(_CLIENTS_OF.format(sql.Identifier(clients_of)))
    for table in _ORDER:
        if table in tables:
            name = f"labels_{scenario.replace('-', '_')}" if table == "labels" else f"stand_in_{table}"
            script.run(connection, f"{name}.sql", seed=seed)


@contextmanager
def environment(
    environ: Mapping[str, str], scenario: Scenario, n_clients: int, seed: int, *, files: Path | None = None
) -> Iterator[Mapping[str, str]]:
    """Give the variables of a run; where DB_HOSTNAME is unset, of an embedded company that runs meanwhile.

    Parameters
    ----------
    environ
        Variables of the run, of which DB_HOSTNAME is read.
    scenario, n_clients, seed
        As in `generate`.
    files
        Folder of the company's own CSV files (DE_FILES).

    Raises
    ------
    VariableError
        If there are files for a running server, or they are in no folder.
    LoadError
        If the data cannot be loaded.
    ServerError
        If PostgreSQL cannot run here.
    ModuleNotFoundError
        If the embedded PostgreSQL is not installed.
    """
    from de import embedded  # what most of this module is for needs none

    if environ.get("DB_HOSTNAME", "").strip():
        if files is not None:
            raise VariableError(
                "DE_FILES and DB_HOSTNAME are both set; expected only one: files go into an "
                "embedded database. Unset DB_HOSTNAME, or load them into the server with "
                "python -m de.load --csv DIR"
            )
        yield environ
        return
    # The path's own method would raise where this user may not look.
    if files is not None and not os.path.isdir(files):  # noqa: PTH112
        raise VariableError(
            f"DE_FILES is {str(files)!r}, which is not a folder; expected a folder of CSV files"
        )
    made = f"{n_clients:,} stand-in clients ({scenario})"
    filled = made if files is None else f"the company's files in {files}"
    log.info("DB_HOSTNAME is unset: starting an embedded PostgreSQL with %s", filled)
    try:
        with embedded.embedded_company(scenario, n_clients, seed, files=files) as company:
            # The company has a password of its own, which one in a file would contradict.
            yield {**environ, **company.environment(), "DS_DB_PASSWORD_FILE": ""}
    except LoadError as error:
        what = "the stand-in data" if files is None else "DE_FILES"
        raise LoadError(f"{what} cannot be loaded: {error}") from error
    except ServerError as error:
        raise ServerError(f"the embedded PostgreSQL failed: {error}") from error
