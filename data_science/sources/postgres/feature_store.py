"""The only door to PostgreSQL: wait for a table, then read it as it is.

Changes with the database contract. Every look and every read opens its own connection, so a restart of
the database costs one attempt.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import sqlalchemy

from data_science.data.provenance import Provenance
from data_science.settings.job import DatabaseSettings, Settings
from data_science.sources.postgres import obstacles, postgres
from data_science.sources.postgres.obstacles import NotReadyError
from data_science.sources.postgres.postgres import Relation
from data_science.sources.postgres.supervision import Supervised
from data_science.sources.postgres.table_text import TableText, parse
from data_science.sources.postgres.waiting import Patience, persist

log = logging.getLogger(__name__)

NEEDS_DATABASE = True
FEATURE_STORE = "feature_store"
COMMENT = "comment"  # in the attrs of a frame: what its table says of itself, None if nothing
CLIENTS = "customer_profiles"  # one row for each client that feature_store should have


def read(settings: Settings) -> tuple[pd.DataFrame, Provenance]:
    """Wait for `feature_store` and return it, with its provenance: the source ``postgres``."""
    return get_dataset_and_provenance(settings.database, settings.wait_timeout_s)


def wait(
    database: DatabaseSettings, wait_timeout_s: float | None = None, *, patience: Patience | None = None
) -> None:
    """Return once `feature_store` is there, readable, filled and at rest; log what is in the way.

    Parameters
    ----------
    database : DatabaseSettings
        A running server; the embedded one must have been started and given its host and port.
    wait_timeout_s : float, optional
        Limit of the whole wait. By default none, except for 600 s of refused logins in a row.

    Raises
    ------
    SettingsError
        If the server refuses the login until the limit: wrong password, missing role or database.
    DatabaseError
        If anything else is in the way at the limit, or the server fails in a way that waiting cannot fix.
    """
    _patiently(database, FEATURE_STORE, _look, wait_timeout_s, patience or Patience())


def get_dataset(
    database: DatabaseSettings, wait_timeout_s: float | None = None, *, patience: Patience | None = None
) -> pd.DataFrame:
    """Return `feature_store`, all rows and columns of one snapshot; wait for it like `wait`.

    Integers are int64 (Int64 if there are NULLs), floating point and numeric columns float64, bit for
    bit, dates datetime64, booleans bool, the rest text with its padding. NULL stays missing. The table's
    own comment in the same snapshot is in ``attrs["comment"]``.
    """
    return _get(database, FEATURE_STORE, wait_timeout_s, patience)


def get_dataset_and_provenance(
    database: DatabaseSettings, wait_timeout_s: float | None = None, *, patience: Patience | None = None
) -> tuple[pd.DataFrame, Provenance]:
    """Return `feature_store` as `get_dataset`, and what it states in the same snapshot about its origin."""
    text = _patiently(database, FEATURE_STORE, _look_and_copy, wait_timeout_s, patience or Patience())
    return parse(text), Provenance.parse(text.comment)


def get_customer_profiles(database: DatabaseSettings, wait_timeout_s: float | None = None) -> pd.DataFrame:
    """Return `customer_profiles`: idx, attr_a, attr_b, attr_c; types and waiting as in `get_dataset`."""
    return _get(database, "customer_profiles", wait_timeout_s)


def get_customer_activity(database: DatabaseSettings, wait_timeout_s: float | None = None) -> pd.DataFrame:
    """Return `customer_activity`: idx, valid_from, valid_to (NaT: current), scd_a, scd_b."""
    return _get(database, "customer_activity", wait_timeout_s)


def get_labels(database: DatabaseSettings, wait_timeout_s: float | None = None) -> pd.DataFrame:
    """Return `labels`: idx, label."""
    return _get(database, "labels", wait_timeout_s)


def get_stores(database: DatabaseSettings, wait_timeout_s: float | None = None) -> pd.DataFrame:
    """Return `stores`: idx, location."""
    return _get(database, "stores", wait_timeout_s)


def get_sales(database: DatabaseSettings, wait_timeout_s: float | None = None) -> pd.DataFrame:
    """Return `sales`: idx, value, date, store_idx."""
    return _get(database, "sales", wait_timeout_s)


def get_monthly_sales(database: DatabaseSettings, wait_timeout_s: float | None = None) -> pd.DataFrame:
    """Return `monthly_sales`: store_idx, location, sale_month, value."""
    return _get(database, "monthly_sales", wait_timeout_s)


def _get(
    database: DatabaseSettings, table: str, wait_timeout_s: float | None, patience: Patience | None = None
) -> pd.DataFrame:
    text = _patiently(database, table, _look_and_copy, wait_timeout_s, patience or Patience())
    frame = parse(text)
    frame.attrs[COMMENT] = text.comment
    return frame


@dataclass(slots=True)
class _Stability:
    """Since when a table has looked the same, over several visits."""

    seen: object = None
    since: float = 0.0

    def lasted_s(self, seen: object, now: float) -> float:
        if seen != self.seen:
            self.seen, self.since = seen, now
        return now - self.since


@dataclass(frozen=True, slots=True)
class _Visit:
    """One attempt, on a connection of its own."""

    connection: sqlalchemy.Connection
    table: str
    stability: _Stability
    supervised: Supervised
    patience: Patience


def _patiently[T](
    database: DatabaseSettings,
    table: str,
    visit: Callable[[_Visit], T],
    wait_timeout_s: float | None,
    patience: Patience,
) -> T:
    """Return what ``visit`` returns the first time that the table is ready."""
    engine = postgres.make_engine(database)
    stability = _Stability()

    def attempt(limit_s: float) -> T:
        supervised = Supervised(patience)

        def connect() -> T:
            with postgres.connected(engine, table, supervised) as connection:
                return visit(_Visit(connection, table, stability, supervised, patience))

        return supervised.run(connect, min(limit_s, patience.look_s))

    where = f"{database.hostname}:{database.port}/{database.name}"
    return persist(attempt, f"{table} at {where} as {database.user}", wait_timeout_s, patience)


def _look(visit: _Visit) -> tuple[Relation, int]:
    """Return the table and its number of rows if it is fit to be read; raise NotReadyError if not."""
    connection, table = visit.connection, visit.table
    connection.execute(postgres.LOOK_LIMITS)
    relation = postgres.find(connection, table)
    if relation is None:
        raise NotReadyError(obstacles.missing(table))
    if postgres.is_being_changed(connection, relation):
        raise NotReadyError(obstacles.filling(table, "another session is changing it"))
    n_rows = postgres.count(connection, relation)
    if not n_rows:
        raise NotReadyError(obstacles.empty(table))
    if table == FEATURE_STORE:
        clients = postgres.find(connection, CLIENTS)
        n_clients = postgres.count(connection, clients) if clients and clients.readable else None
        _require_stability(visit, relation.oid, n_rows, n_clients)
    connection.rollback()
    return relation, n_rows


def _require_stability(visit: _Visit, oid: int, n_rows: int, n_clients: int | None) -> None:
    """Raise NotReadyError unless the table is complete, or has been the same for long enough.

    As many rows as clients is what the contract promises. Without clients to compare with, a table that
    has not changed for a moment counts as filled. With fewer rows, it may be half-filled or may rightly
    leave clients out (no label yet): only a longer wait shows which, and then it is logged.
    """
    if n_rows == n_clients:
        return
    short = n_clients is not None and n_rows < n_clients
    needed_s = visit.patience.short_quiet_s if short else visit.patience.quiet_s
    lasted_s = visit.stability.lasted_s((oid, n_rows), visit.patience.clock())
    of_clients = f" for {n_clients} clients" if n_clients is not None else ""
    if lasted_s < needed_s:
        seen = f"{n_rows} rows{of_clients}, unchanged for {lasted_s:.0f} s of {needed_s:g} s"
        raise NotReadyError(obstacles.filling(visit.table, seen))
    if short:
        log.warning(
            "%s has %d rows%s, unchanged for %.0f s; reading it as it is. If it leaves out clients that have "
            "an activity and a label, run the DE's ETLs again, then train again",
            *(visit.table, n_rows, of_clients, lasted_s),
        )


def _look_and_copy(visit: _Visit) -> TableText:
    """Return all rows of the table; raise NotReadyError if it is not ready or changed since the look."""
    relation, n_rows = _look(visit)
    visit.supervised.allow(visit.patience.silence_s)
    text, n_copied = postgres.copy(visit.connection, relation, visit.supervised)
    if n_copied != n_rows:
        raise NotReadyError(obstacles.filling(visit.table, f"{n_rows} rows, then {n_copied}"))
    return text
