"""Whether a table is fit to be read: there, ours to read in whole, filled and at rest.

Changes with what counts as ready.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy
from sqlalchemy.exc import DBAPIError

from data_science.sources.postgres import obstacles, postgres, relations
from data_science.sources.postgres.obstacles import NotReadyError, Obstacle
from data_science.sources.postgres.relations import Relation, Shown, Writer
from data_science.sources.postgres.supervision import Supervised
from data_science.sources.postgres.waiting import Patience

log = logging.getLogger(__name__)

ELSEWHERE = ("08", "42P01", "58", "HV")  # SQLSTATEs of a foreign table: no server, table or file there
LONGEST = 64  # times what patience allows: half an hour for a look, by default
FEATURE_STORE = "feature_store"
CLIENTS = "customer_profiles"  # one row for each client that feature_store should have


@dataclass(slots=True)
class Since:
    """Since when something has looked the same, over several looks."""

    seen: object = None
    since: float = 0.0

    def lasted_s(self, seen: object, now: float) -> float:
        """Return for how long it has been what it is now."""
        if seen != self.seen:
            self.seen, self.since = seen, now
        return now - self.since


@dataclass(slots=True)
class Memory:
    """What earlier looks saw."""

    rows: Since = field(default_factory=Since)
    lasting: Since = field(default_factory=Since)  # transactions seen by two looks
    writing: frozenset[str] | None = None  # transactions that the last look saw; None: there was none
    connected: bool = False  # whether the last attempt got so far
    longer: int = 1  # how many times longer than at first a look and a read may take

    def learn(self, obstacle: Obstacle) -> None:
        """Allow twice the time after an attempt that had a connection and not enough time.

        Otherwise a view that takes longer than any look is waited for without end.
        """
        if self.connected and obstacle.kind in ("slow", "silent"):
            self.longer = min(2 * self.longer, LONGEST)


@dataclass(frozen=True, slots=True)
class Visit:
    """One attempt, on a connection of its own."""

    connection: sqlalchemy.Connection
    table: str
    asked: frozenset[str]  # columns without which the table is of no use
    memory: Memory
    supervised: Supervised
    patience: Patience


def look(visit: Visit) -> tuple[Relation, int]:
    """Return the table and its number of rows if it is fit to be read; raise NotReadyError if not."""
    connection, table = visit.connection, visit.table
    # Less than the look itself may take: the server ends it, and says so.
    postgres.limit_statements(connection, visit.memory.longer * visit.patience.look_s * 5 / 6)
    relation = relations.find(connection, table)
    if relation is None:
        raise NotReadyError(obstacles.missing(table))
    shown = relations.behind(connection, relation)
    for each in shown:
        if each.hides:
            raise NotReadyError(obstacles.hidden(table, each.name, each.reader))
    _require_rest(visit, shown)
    n_rows = _count(visit, relation, shown)
    _require_columns(visit, relation)
    if not n_rows:
        raise NotReadyError(obstacles.empty(table))
    if table == FEATURE_STORE:
        _require_stability(visit, relation.oid, n_rows, _count_clients(connection))
    connection.rollback()
    return relation, n_rows


def _require_rest(visit: Visit, shown: Sequence[Shown]) -> None:
    """Raise NotReadyError while another transaction writes to the table or to what it shows.

    One that lasts from look to look may hold back the rest of the rows. Tables behind a view may also be
    written all the time, by a transaction for each client: that is said for a while, and then it is rest.
    """
    writers = relations.writers(visit.connection, [each.oid for each in shown])
    before, now = visit.memory.writing, frozenset(each.transaction for each in writers)
    visit.memory.writing = now
    if not writers:
        return
    lasting = now if before is None else now & before
    lasted_s = visit.memory.lasting.lasted_s(lasting, visit.patience.clock())
    if lasting or lasted_s < visit.patience.short_quiet_s:
        raise NotReadyError(_being_changed(visit.table, writers[0], shown))


def _being_changed(table: str, writer: Writer, shown: Sequence[Shown]) -> Obstacle:
    if writer.oid == shown[0].oid:
        what = "it"
    elif any(writer.oid == each.oid for each in shown):
        what = f"{writer.name}, whose rows it shows"
    else:
        what = f"{writer.name}, whose rows a function that it calls may read"
    return obstacles.changing(table, what, writer.pid)


def _count(visit: Visit, relation: Relation, shown: Sequence[Shown]) -> int:
    """Return the number of rows; where they cannot be read, say in which relation the reason is."""
    try:
        return relations.count(visit.connection, relation)
    except DBAPIError as error:
        sqlstate = getattr(error.orig, "pgcode", None)
        denied = next((each for each in shown if each.denied and each is not shown[0]), None)
        if sqlstate == "42501" and denied and not shown[0].denied:
            raise NotReadyError(obstacles.no_grant_behind(visit.table, denied.name, denied.reader)) from error
        abroad = next((each for each in shown if each.foreign), None)
        if sqlstate and sqlstate.startswith(ELSEWHERE) and abroad:
            raise NotReadyError(obstacles.out_of_reach(visit.table, abroad.name, str(error.orig))) from error
        unfilled = next((each for each in shown if not each.populated), None)
        if sqlstate == "55000" and unfilled:
            raise NotReadyError(obstacles.unpopulated(visit.table, unfilled.name)) from error
        raise


def _require_columns(visit: Visit, relation: Relation) -> None:
    """Raise NotReadyError if a column that is asked for is there and may not be read."""
    columns = relations.columns(visit.connection, relation)
    denied = [each.name for each in columns if each.name in visit.asked and not each.readable]
    if denied:
        raise NotReadyError(obstacles.no_grant_on(visit.table, denied))


def _count_clients(connection: sqlalchemy.Connection) -> int | None:
    """Return how many clients there are; None if we cannot see all of them."""
    clients = relations.find(connection, CLIENTS)
    if clients is None:
        return None
    shown = relations.behind(connection, clients)
    seen = all(each.populated and not each.denied and not each.hides for each in shown)
    return relations.count(connection, clients) if seen else None


def _require_stability(visit: Visit, oid: int, n_rows: int, n_clients: int | None) -> None:
    """Raise NotReadyError unless the table is complete, or has been the same for long enough.

    As many rows as clients is what the contract promises. Without clients to compare with, a table that
    has not changed for a moment counts as filled. With fewer rows, it may be half-filled or may rightly
    leave clients out (no label yet): only a longer wait shows which, and then it is logged.
    """
    if n_rows == n_clients:
        return
    short = n_clients is not None and n_rows < n_clients
    needed_s = visit.patience.short_quiet_s if short else visit.patience.quiet_s
    lasted_s = visit.memory.rows.lasted_s((oid, n_rows), visit.patience.clock())
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
