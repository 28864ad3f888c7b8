"""The only door to PostgreSQL: wait for a table, then read it as it is.

Changes with the database contract. Every look and every read opens its own connection, so a restart of
the database costs one attempt.
"""

from collections.abc import Callable

import pandas as pd

from data_science.data import dataset
from data_science.data.provenance import Provenance
from data_science.data.queried import Queried
from data_science.settings.job import DatabaseSettings, Settings
from data_science.sources.postgres import copying, in_place, obstacles, postgres, readiness
from data_science.sources.postgres.obstacles import NotReadyError
from data_science.sources.postgres.readiness import FEATURE_STORE, Memory, Visit
from data_science.sources.postgres.relations import Relation
from data_science.sources.postgres.supervision import Supervised
from data_science.sources.postgres.table_text import TableText, parse
from data_science.sources.postgres.waiting import Patience, persist

NEEDS_DATABASE = True
COMMENT = "comment"  # in the attrs of a frame: what its table says of itself, None if nothing
# Columns of each table that the data engineers promise: they must come as they should, whatever others do.
PROMISED = {
    FEATURE_STORE: frozenset(column.name for column in dataset.FEATURE_STORE.columns),
    "customer_profiles": frozenset(("idx", "attr_a", "attr_b", "attr_c")),
    "customer_activity": frozenset(("idx", "valid_from", "valid_to", "scd_a", "scd_b")),
    "labels": frozenset(("idx", "label")),
    "stores": frozenset(("idx", "location")),
    "sales": frozenset(("idx", "value", "date", "store_idx")),
    "monthly_sales": frozenset(("store_idx", "location", "sale_month", "value")),
}


def read(settings: Settings) -> tuple[pd.DataFrame | Queried, Provenance]:
    """Wait for `feature_store` and return it, with its provenance: the source ``postgres``.

    A table of many rows stays where it is, and is asked by queries.
    """
    database, limit_s = settings.database, settings.wait_timeout_s
    found = _patiently(database, FEATURE_STORE, _look_and_copy_few, limit_s, Patience())
    if isinstance(found, TableText):
        return parse(found), Provenance.parse(found.comment)
    relation, types, comment = found

    def run(text: str) -> pd.DataFrame:
        return _patiently(
            database, FEATURE_STORE, lambda visit: in_place.rows(visit, text), limit_s, Patience()
        )

    def copied() -> pd.DataFrame:
        return get_dataset(database, limit_s)

    queried = Queried(relation.name, relation.schema, "postgres", types, run, copied)
    return queried, Provenance.parse(comment)


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
    _patiently(database, FEATURE_STORE, readiness.look, wait_timeout_s, patience or Patience())


def get_dataset(
    database: DatabaseSettings, wait_timeout_s: float | None = None, *, patience: Patience | None = None
) -> pd.DataFrame:
    """Return `feature_store`, all rows and columns of one snapshot; wait for it like `wait`.

    Integers are int64 (Int64 if there are NULLs), floating point and numeric columns float64, bit for
    bit, dates datetime64, booleans bool, the rest text with its padding. NULL stays missing. The table's
    own comment in the same snapshot is in ``attrs["comment"]``. Columns that the data engineers do not
    promise are left out, and that is logged, if this role may not read them or the server cannot send
    them; their dates that pandas does not have ('infinity', before Christ) leave them text.
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


def _patiently[T](
    database: DatabaseSettings,
    table: str,
    visit: Callable[[Visit], T],
    wait_timeout_s: float | None,
    patience: Patience,
) -> T:
    """Return what ``visit`` returns the first time that the table is ready."""
    engine = postgres.make_engine(database)
    memory, asked = Memory(), PROMISED[table]

    def attempt(limit_s: float) -> T:
        supervised = Supervised(patience)
        memory.connected = False

        def connect() -> T:
            with postgres.connected(engine, table, supervised) as connection:
                memory.connected = True
                return visit(Visit(connection, table, asked, memory, supervised, patience))

        try:
            return supervised.run(connect, min(limit_s, memory.longer * patience.look_s))
        except NotReadyError as error:
            memory.learn(error.obstacle)
            raise

    where = f"{database.hostname}:{database.port}/{database.name}"
    return persist(attempt, f"{table} at {where} as {database.user}", wait_timeout_s, patience)


def _look_and_copy(visit: Visit) -> TableText:
    """Return all rows of the table; raise NotReadyError if it is not ready or changed since the look."""
    return _copied(visit, *readiness.look(visit))


def _look_and_copy_few(visit: Visit) -> TableText | tuple[Relation, dict[str, str], str | None]:
    """Return all rows if they are few; otherwise the relation, the types of its columns and its comment."""
    relation, n_rows = readiness.look(visit)
    if n_rows >= in_place.LEAST_ROWS and in_place.is_possible():
        types = in_place.types(visit.connection, relation, visit.asked)
        if types is not None:
            return relation, types, copying.comment(visit.connection, relation)
        visit.connection.rollback()
    return _copied(visit, relation, n_rows)


def _copied(visit: Visit, relation: Relation, n_rows: int) -> TableText:
    visit.supervised.allow(visit.memory.longer * visit.patience.silence_s)
    text, n_copied = copying.copy(visit.connection, relation, visit.supervised, visit.asked)
    if n_copied != n_rows:
        raise NotReadyError(obstacles.filling(visit.table, f"{n_rows} rows, then {n_copied}"))
    return text
