"""Loads the company's CSV files into the source tables, and stand-in data where there is no file."""

import csv
import io
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 (psycopg2 names its class in lower case)

from de import csv_finding, script, stand_in
from de.csv_checking import CheckedTable, checked
from de.errors import LoadError
from de.source_tables import COLUMNS, TABLES
from de.stand_in import N_CLIENTS, Scenario

__all__ = ["COLUMNS", "LoadError", "load_csv"]

log = logging.getLogger(__name__)

# The first of these that has a file says who the clients are; the others are made for them.
_WITH_CLIENTS = ("customer_profiles", "labels", "customer_activity")


def load_csv(
    connection: Connection,
    folder: Path,
    *,
    scenario: Scenario = "no-signal",
    n_clients: int = N_CLIENTS,
    seed: int = 1,
) -> None:
    """Replace the rows of the source tables by the CSV files of ``folder``, all or nothing.

    Reads ``customer_profiles``, ``customer_activity``, ``labels``, ``stores`` and ``sales``, each ``.csv`` or
    ``.csv.gz``, or ``sales/YYYY-MM-DD/sales.csv`` for each day; each with a header whose names may be in any
    order. A table without a file is generated, and the comment on every table says which it was.

    Parameters
    ----------
    connection
        Connection of the tables' owner.
    folder
        Where the files are.
    scenario
        Of labels that are generated.
    n_clients
        How many clients are made up if no file says who they are.
    seed
        Of what is generated.

    Raises
    ------
    LoadError
        If a file is not what its table needs (the first fault of each file, with its line), if two files
        could be meant, if none is there, if files contradict each other or the scenario, or if they leave
        feature_store without a row.
    """
    stand_in.check(scenario, n_clients, seed)
    files = csv_finding.find(folder)
    if scenario != "no-signal" and "labels" in files:
        raise LoadError(
            f"scenario {scenario!r} is about generated labels, but {files['labels'][0]} holds the company's; "
            "leave out one of the two"
        )
    tables = _checked(files)
    clients_of = _compare_clients(tables)
    missing = [table for table in TABLES if table not in tables]
    with script.transaction(connection):
        script.run(connection, "empty_tables.sql")
        for table in tables.values():
            _copy(connection, table)
        stand_in.fill(connection, missing, scenario, seed, n_clients=n_clients, clients_of=clients_of)
    for name, table in tables.items():
        log.info("%s: %s rows, %s", name, f"{len(table.rows):,}", table.origin)
    for name in missing:
        log.info("%s: no file in %s, generated with seed %d", name, folder, seed)


def _checked(files: Mapping[str, tuple[Path, ...]]) -> dict[str, CheckedTable]:
    tables: dict[str, CheckedTable] = {}
    faults: list[str] = []
    for name, paths in files.items():
        try:
            tables[name] = checked(name, paths)
        except LoadError as error:
            faults.append(str(error))
    if faults:
        raise LoadError("\n".join(faults))
    return tables


def _compare_clients(tables: Mapping[str, CheckedTable]) -> str | None:
    """Return the table whose clients count; log how the clients of the other tables differ."""
    given = [name for name in _WITH_CLIENTS if name in tables]
    if not given:
        return None
    first, *others = given
    clients = tables[first].keys
    for other in others:
        theirs = tables[other].keys
        if clients.isdisjoint(theirs):
            raise LoadError(
                f"the files of {first} and {other} have no client idx in common; expected the same clients"
            )
        if clients != theirs:
            log.warning(
                "%s and %s do not have the same clients: %s only in %s, %s only in %s; feature_store "
                "has those found in all tables",
                *(first, other, f"{len(clients - theirs):,}", first, f"{len(theirs - clients):,}", other),
            )
    if not set.intersection(*(tables[name].joined_keys for name in given)):
        raise LoadError(
            f"no client idx is in all the files of {', '.join(given)}, with an empty valid_to in "
            "customer_activity; feature_store would have no row. Expected the same clients in all of them"
        )
    return first


def _copy(connection: Connection, table: CheckedTable) -> None:
    name = sql.Identifier(table.name)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')").format(
        name, sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table.name]))
    )
    comment = sql.SQL("COMMENT ON TABLE {} IS {}").format(name, sql.Literal(table.origin))
    with connection.cursor() as cursor:
        try:
            cursor.copy_expert(statement, _written(table.rows))
        except psycopg2.DataError as error:  # what our checks should have refused
            raise LoadError(f"{table.name}: {error.diag.message_primary} ({error.diag.context})") from error
        cursor.execute(comment)


def _written(rows: Iterable[tuple[object, ...]]) -> io.BytesIO:
    text = io.StringIO(newline="")
    # Words are always quoted: Python 3.12 would leave a carriage return bare. None is nothing at all,
    # which COPY reads as NULL. Floats are written by repr: the same number comes back.
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_STRINGS).writerows(rows)
    return io.BytesIO(text.getvalue().encode())
