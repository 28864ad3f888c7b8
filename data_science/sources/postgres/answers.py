"""What the answer of a server, or of libpq, means for somebody who waits.

Changes when a server, a pooler or libpq says something new. Pure: it judges error codes and texts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from data_science.sources.postgres import obstacles
from data_science.sources.postgres.obstacles import Obstacle

_START = "Start the database, or correct DB_HOSTNAME and DB_PORT"
_NOTHING = "No action needed unless this persists"
_CREDENTIALS = "Correct DS_DB_USER and DS_DB_PASSWORD, or run the DE's setup_users.sql"
_NOT_LOWER = "a lower DB_SSLMODE would not notice an impostor"

_PASSWORD = Obstacle(
    "password", "wrong password, or no such role (the server does not say which)", _CREDENTIALS, login=True
)
_ROLE = Obstacle("role", "the role is missing or may not log in", _CREDENTIALS, login=True)
_LOGIN = Obstacle(
    "login",
    "the server does not let this role in: it is missing, may not log in, or may not come from here",
    f"{_CREDENTIALS}, or add the connection to pg_hba.conf",
    login=True,
)
_DATABASE = Obstacle("database", "the database is missing", "Create it, or correct DB_NAME", login=True)
_CONNECT = Obstacle(
    "connect", "the role may not use this database", "GRANT CONNECT ON DATABASE to it", login=True
)
_STARTING = Obstacle("starting", "the database is starting up, recovering or shutting down", _NOTHING)
_CROWDED = Obstacle(
    "crowded", "the database has too many connections", "Close some, or raise max_connections"
)
_BROKEN = Obstacle(
    "broken",
    "the connection broke, for example in a restart",
    f"{_NOTHING}; then, behind a pooler, see that its pool_mode is transaction or session",
)
_POOLER = Obstacle("pooler", "a connection pooler has no connection for us", "See the pooler's log")
_CLOSED = Obstacle(
    "closed", "the database lets nobody in at present", "Let the work on it finish, or ALLOW_CONNECTIONS true"
)
_SYSTEM = Obstacle(
    "system", "the server's machine fails, or a pooler finds no server", "See the server's log"
)
_RESOURCES = Obstacle("resources", "the database is short of memory, disk or connections", "Give it more")

# What a server answers before it lets us in, by SQLSTATE: words differ by language, these do not.
_REFUSALS = {
    "00": Obstacle("broken", "the connection was refused a moment ago", _NOTHING),
    "08": _POOLER,
    "28": _LOGIN,
    "28P01": _PASSWORD,
    "3D": _DATABASE,
    "42501": _CONNECT,
    "53": _RESOURCES,
    "53300": _CROWDED,
    "55": _CLOSED,
    "57": _STARTING,
    "58": _SYSTEM,
}
# Where one code is used for many reasons (poolers use 08P01 for all of theirs), known words say which.
_VAGUE = ("08", "28000", "XX")
_OF_POOLERS = (
    (
        r"unsupported startup parameter",
        Obstacle(
            "startup",
            "the pooler does not accept a startup parameter",
            "Unset PGOPTIONS and the like, or name the parameter in the pooler's ignore_startup_parameters",
            login=True,
        ),
    ),
    (r"query_wait_timeout|server_login_retry", _POOLER),
)
_WORDS = (
    *_OF_POOLERS,
    (r"password authentication failed|no password supplied|authentication failed|no such user", _PASSWORD),
    (r'role ".*" does not exist|is not permitted to log in', _ROLE),
    (r'database ".*" does not exist|no such database', _DATABASE),
    (r"permission denied for database", _CONNECT),
    (
        r"no pg_hba.conf entry",
        Obstacle("pg_hba", "the server does not allow this connection", "Add it to pg_hba.conf", login=True),
    ),
    (
        r"starting up|not yet accepting connections|in recovery mode|not accepting connections|shutting down",
        _STARTING,
    ),
    (
        r"too many (clients|connections)|connection slots are reserved|no more connections|max clients",
        _CROWDED,
    ),
)

# What libpq itself says, always in English: it is asked for no other language.
_LIBPQ = (
    (
        r"root certificate file|could not read root cert",
        Obstacle(
            "ssl",
            "the server's certificate cannot be checked: there is no root certificate to check it with",
            "Put that of the authority that signed the server's into ~/.postgresql/root.crt, or name its "
            f"file in PGSSLROOTCERT; {_NOT_LOWER}",
            login=True,
        ),
    ),
    (
        r"not match host name|host name from server certificate",
        Obstacle(
            "ssl",
            "the server's certificate is valid, but for another name than DB_HOSTNAME",
            f"Set DB_HOSTNAME to a name in the certificate, or have one made for this name; {_NOT_LOWER}",
            login=True,
        ),
    ),
    (
        r"certificate verify failed|unable to get local issuer",
        Obstacle(
            "ssl",
            "the server's certificate is not signed by an authority in the root certificate at hand, or has "
            "expired",
            f"Name the right file in PGSSLROOTCERT, or renew the server's certificate; {_NOT_LOWER}",
            login=True,
        ),
    ),
    (
        r"SSL.*required|does not support SSL|certificate|SSL error: (?!unexpected eof)",
        Obstacle("ssl", "client and server could not agree on encryption", "Correct DB_SSLMODE", login=True),
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
    (r"closed the connection|Connection reset|Broken pipe|terminating|unexpected eof|EOF detected", _BROKEN),
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLSTATES = {
    "08": _BROKEN,
    "25P0": Obstacle("broken", "the server ended the transaction after its own time limit", _NOTHING),
    "40": Obstacle("conflict", "another transaction interfered", _NOTHING),
    "53300": _CROWDED,
    "53": _RESOURCES,
    "55P03": Obstacle("locked", "a table is locked, for example by a running ETL", "Let the ETL finish"),
    "57014": Obstacle("slow", "the server took too long to answer", "See what keeps it busy"),
    "57P": _STARTING,
    "58": _SYSTEM,
    "HV": Obstacle(
        "foreign",
        "the server behind a foreign table does not give its rows",
        "See that server and its grants",
    ),
    "XX000": Obstacle("vanished", "a table was dropped while it was being read", "Let the ETL finish"),
}


def server_answered(message: str) -> bool:
    """Whether a failed connection's message quotes a server, whose words may be of any language."""
    return ":  " in message  # libpq writes "severity:  text" of a server, and two blanks nowhere else


def of_connecting(message: str, sqlstate: str | None = None) -> Obstacle:
    """Judge why no connection could be opened: by the server's code, or by libpq's own words.

    What is neither known by code nor by words counts as a refusal: it has a time limit. A server's words
    count where it gave no code, or one that it uses for many reasons. They come first: libpq tries every
    address of a host and reports them all, and the last word is the server's.
    """
    if sqlstate is not None and not sqlstate.startswith(_VAGUE):
        meant = _longest_prefix(_REFUSALS, sqlstate)
    else:
        meant = _by_words(_WORDS, message) or _longest_prefix(_REFUSALS, sqlstate or "")
    meant = meant or (_by_words(_LIBPQ, message) if sqlstate is None else None)
    if meant is None:
        return Obstacle("refusal", f"no connection: {_line(message)}", "Check the server's log", login=True)
    return _saying(meant, message) if meant in (_POOLER, _SYSTEM) else meant


def _line(message: str) -> str:
    return " ".join(message.split())


def _saying(obstacle: Obstacle, message: str) -> Obstacle:
    return replace(obstacle, what=f"{obstacle.what} ({_line(message)})")


def _by_words(known: Iterable[tuple[str, Obstacle]], message: str) -> Obstacle | None:
    found = (obstacle for pattern, obstacle in known if re.search(pattern, message, re.IGNORECASE))
    return next(found, None)


def _longest_prefix(codes: Mapping[str, Obstacle], sqlstate: str) -> Obstacle | None:
    prefixes = (sqlstate[:length] for length in (5, 4, 3, 2))
    return next((codes[prefix] for prefix in prefixes if prefix in codes), None)


def of_statement(table: str, sqlstate: str | None, message: str = "") -> Obstacle | None:
    """Judge why a statement on an open connection failed; None if waiting is not the answer."""
    if sqlstate in (None, "08P01"):  # a pooler's code for everything, and psycopg2's of a lost connection
        found = _by_words(_OF_POOLERS, message) or (_POOLER if sqlstate else _BROKEN)
        return _saying(found, message) if found is _POOLER else found
    if sqlstate in ("42P01", "3F000"):
        return obstacles.missing(table)
    if sqlstate == "42501":
        return obstacles.no_grant(table)
    if sqlstate == "55000":
        return obstacles.unready(table)
    return _longest_prefix(_SQLSTATES, sqlstate)
