"""What can keep us from reading a table, described for the person who can remove the obstacle.

Changes when a table can be in another state. Pure: it opens nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why the table cannot be read now."""

    kind: str  # two obstacles of one kind are the same news
    what: str
    remedy: str
    login: bool = False  # the server answers and refuses us: waiting alone will not help


class NotReadyError(Exception):
    """Raised by one look at the table; waiting continues or ends; it never reaches a user."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.what)
        self.obstacle = obstacle


def missing(table: str) -> Obstacle:
    """Say that the table, or the way to it, does not exist."""
    remedy = "Run the DE's ETLs that create it; if it exists, check the role's search_path and USAGE grants"
    return Obstacle("missing", f"there is no table {table}", remedy)


def no_grant(table: str) -> Obstacle:
    """Say that the table exists and may not be read."""
    remedy = (
        f"Grant it: GRANT SELECT ON {table} TO ds_user_role, preferably through default "
        "privileges (setup_users.sql)"
    )
    return Obstacle("grant", f"{table} exists but this role has no SELECT grant on it", remedy)


def no_grant_behind(table: str, relation: str, role: str) -> Obstacle:
    """Say that a relation which the table, a view, reads may not be read."""
    what = f"{table} reads {relation}, on which the role {role} has no SELECT grant"
    return Obstacle("grant", what, f"Grant it: GRANT SELECT ON {relation} TO {role}")


def no_grant_on(table: str, columns: Sequence[str]) -> Obstacle:
    """Say that columns which the model needs exist and may not be read."""
    listed = ", ".join(columns)
    remedy = f"Grant them: GRANT SELECT ({listed}) ON {table} TO ds_user_role"
    return Obstacle("grant", f"this role has no SELECT grant on {listed} of {table}", remedy)


def hidden(table: str, relation: str, role: str) -> Obstacle:
    """Say that row-level security may keep rows from us: what is seen is no statement about the table."""
    of = "" if relation == table else f", which {table} reads,"
    what = f"row-level security on {relation}{of} may hide rows from the role {role}"
    remedy = (
        f"To show them all, run: CREATE POLICY all_rows ON {relation} FOR SELECT TO {role} USING (true); "
        f"past restrictive policies: ALTER ROLE {role} BYPASSRLS; to train on a part, store it as a table"
    )
    return Obstacle("hidden", what, remedy)


def unpopulated(table: str, relation: str) -> Obstacle:
    """Say that a materialized view was never filled."""
    of = "" if relation == table else f", which {table} reads,"
    what = f"the materialized view {relation}{of} has not been populated"
    return Obstacle("empty", what, f"Run: REFRESH MATERIALIZED VIEW {relation}")


def out_of_reach(table: str, relation: str, said: str) -> Obstacle:
    """Say that the rows of a foreign table cannot be had from where they are."""
    of = "" if relation == table else f", which {table} reads,"
    what = f"the foreign table {relation}{of} does not give its rows ({said.splitlines()[0]})"
    return Obstacle("foreign", what, "See the server that it names, and what it is called there")


def unready(table: str) -> Obstacle:
    """Say that the table, or something that it reads, is not in a state to be read."""
    what = f"{table}, or what it reads, cannot be read yet: a materialized view, say, was never refreshed"
    return Obstacle("empty", what, "Run the DE's ETLs that fill it")


def empty(table: str) -> Obstacle:
    """Say that the table has no rows."""
    return Obstacle("empty", f"{table} is empty", "Run the DE's ETLs that fill it")


def filling(table: str, seen: str) -> Obstacle:
    """Say that the table does not look finished, and what was ``seen``."""
    return Obstacle("filling", f"{table} is still being filled: {seen}", "Let the ETL finish")


def changing(table: str, what: str, pid: int | None) -> Obstacle:
    """Say that another session is changing ``what``: the table, or something whose rows it shows."""
    writer = f"process {pid}" if pid is not None else "a prepared transaction, see pg_prepared_xacts"
    found = filling(table, f"another session is changing {what}")
    return replace(found, remedy=f"{found.remedy} ({writer})")


def silent() -> Obstacle:
    """Say that an open connection stopped answering."""
    remedy = "Check whether the server is overloaded, paused or cut off"
    return Obstacle("silent", "the server does not answer", remedy)
