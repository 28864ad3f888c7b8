"""What can keep us from reading a table, described for the person who can remove the obstacle.

Changes when a server or libpq says something new. Pure: it judges error codes and texts, it opens nothing.
"""

import re
from dataclasses import dataclass


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


_START = "Start the database, or correct DB_HOSTNAME and DB_PORT"
_NOTHING = "No action needed unless this persists"
_CREDENTIALS = "Correct DS_DB_USER and DS_DB_PASSWORD, or run the DE's setup_users.sql"

# A failed connection carries no SQLSTATE, only text: the answers of a server come first, because libpq
# tries every address of a host and reports them all, of which the last word is the server's.
_CONNECTING = (
    (
        r"password authentication failed|no password supplied|authentication failed",
        Obstacle(
            "password",
            "wrong password, or no such role (the server does not say which)",
            _CREDENTIALS,
            login=True,
        ),
    ),
    (
        r'role ".*" does not exist|is not permitted to log in',
        Obstacle("role", "the role is missing or may not log in", _CREDENTIALS, login=True),
    ),
    (
        r'database ".*" does not exist',
        Obstacle("database", "the database is missing", "Create it, or correct DB_NAME", login=True),
    ),
    (
        r"permission denied for database",
        Obstacle(
            "connect", "the role may not use this database", "GRANT CONNECT ON DATABASE to it", login=True
        ),
    ),
    (
        r"no pg_hba.conf entry",
        Obstacle("pg_hba", "the server does not allow this connection", "Add it to pg_hba.conf", login=True),
    ),
    (
        r"SSL.*required|does not support SSL|certificate|SSL error: (?!unexpected eof)",
        Obstacle("ssl", "client and server could not agree on encryption", "Correct DB_SSLMODE", login=True),
    ),
    (
        r"starting up|not yet accepting connections|in recovery mode|not accepting connections|shutting down",
        Obstacle("starting", "the database is starting up, recovering or shutting down", _NOTHING),
    ),
    (
        r"too many (clients|connections)|connection slots are reserved",
        Obstacle("crowded", "the database has too many connections", "Close some, or raise max_connections"),
    ),
    (
        r"could not translate host name",
        Obstacle("no server", "no server with this name is known", _START),
    ),
    (
        r"timeout expired|Connection timed out",
        Obstacle(
            "silent",
            "the server does not answer",
            "Check whether it is overloaded, paused or firewalled",
        ),
    ),
    (
        r"No route to host|Network is unreachable|Host is down|Host is unreachable",
        Obstacle("unreachable", "no server can be reached there", _START),
    ),
    (
        r"Connection refused|No such file or directory",
        Obstacle("refused", "the connection is refused: nothing listens there", _START),
    ),
    (
        r"closed the connection|Connection reset|Broken pipe|terminating|unexpected eof|EOF detected",
        Obstacle("broken", "the connection broke, for example in a restart", _NOTHING),
    ),
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLSTATES = {
    "08": Obstacle("broken", "the connection broke, for example in a restart", _NOTHING),
    "25P0": Obstacle("broken", "the server ended the transaction after its own time limit", _NOTHING),
    "40": Obstacle("conflict", "another transaction interfered", _NOTHING),
    "53300": Obstacle(
        "crowded", "the database has too many connections", "Close some, or raise max_connections"
    ),
    "53": Obstacle("resources", "the database is short of memory, disk or connections", "Give it more"),
    "55P03": Obstacle("locked", "a table is locked, for example by a running ETL", "Let the ETL finish"),
    "57014": Obstacle("slow", "the server took too long to answer", "See what keeps it busy"),
    "57P": Obstacle("starting", "the database is starting up, recovering or shutting down", _NOTHING),
    "XX000": Obstacle("vanished", "a table was dropped while it was being read", "Let the ETL finish"),
}


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


def empty(table: str) -> Obstacle:
    """Say that the table has no rows."""
    return Obstacle("empty", f"{table} is empty", "Run the DE's ETLs that fill it")


def filling(table: str, seen: str) -> Obstacle:
    """Say that the table does not look finished, and what was ``seen``."""
    return Obstacle("filling", f"{table} is still being filled: {seen}", "Let the ETL finish")


def silent() -> Obstacle:
    """Say that an open connection stopped answering."""
    remedy = "Check whether the server is overloaded, paused or cut off"
    return Obstacle("silent", "the server does not answer", remedy)


def of_connecting(message: str) -> Obstacle:
    """Judge why no connection could be opened, from libpq's text.

    A text that is not known, perhaps in another language, counts as a refusal: it has a time limit.
    """
    for pattern, obstacle in _CONNECTING:
        if re.search(pattern, message, re.IGNORECASE):
            return obstacle
    said = " ".join(message.split())
    return Obstacle("refusal", f"no connection: {said}", "Check the server's log", login=True)


def of_statement(table: str, sqlstate: str | None) -> Obstacle | None:
    """Judge why a statement on an open connection failed; None if waiting is not the answer."""
    if sqlstate is None:
        return _SQLSTATES["08"]
    if sqlstate in ("42P01", "3F000"):
        return missing(table)
    if sqlstate == "42501":
        return no_grant(table)
    prefixes = (sqlstate[:length] for length in (5, 4, 3, 2))
    return next((_SQLSTATES[prefix] for prefix in prefixes if prefix in _SQLSTATES), None)
