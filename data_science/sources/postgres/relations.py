"""What a name means in the catalogue: a relation, its columns, and every relation whose rows it shows.

Changes with PostgreSQL's catalogue. A partitioned table shows the rows of its partitions, a view those of the
tables that it reads: who fills them fills the relation, and locks only them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy
from sqlalchemy import Connection

# The name is resolved on the search path, as an unqualified name in a query would be.
_RELATION = sqlalchemy.text("""
SELECT c.oid, n.nspname, c.relname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(:name) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
""")

# Rights and row-level security are a matter of who reads what by name. A view reads as its owner unless it is
# a security invoker; partitions are read through their parent, and a materialized view has read already.
_BEHIND = sqlalchemy.text("""
WITH RECURSIVE me AS (
    SELECT oid FROM pg_roles WHERE rolname = current_user
), behind (oid, reader, by_name) AS (
    SELECT CAST(:oid AS oid), (SELECT oid FROM me), true
    UNION
    SELECT next.*
    FROM behind JOIN pg_class AS c USING (oid) CROSS JOIN LATERAL (
        SELECT inhrelid, behind.reader, false FROM pg_inherits WHERE inhparent = c.oid
        UNION ALL
        SELECT
            coalesce(body.refobjid, used.refobjid),
            CASE WHEN EXISTS (
                SELECT FROM pg_options_to_table(c.reloptions)
                WHERE option_name = 'security_invoker' AND option_value::boolean
            ) THEN (SELECT oid FROM me) ELSE c.relowner END,
            behind.by_name AND c.relkind = 'v' AND body.refobjid IS NULL
        FROM pg_rewrite AS rule
        JOIN pg_depend AS used ON used.classid = 'pg_rewrite'::regclass AND used.objid = rule.oid
        LEFT JOIN pg_depend AS body  -- of a function that the view calls, where PostgreSQL has read it
            ON used.refclassid = 'pg_proc'::regclass AND body.classid = 'pg_proc'::regclass
            AND body.objid = used.refobjid AND body.refclassid = 'pg_class'::regclass
        WHERE rule.ev_class = c.oid AND rule.ev_type = '1' AND used.refobjid <> c.oid
        AND (used.refclassid = 'pg_class'::regclass OR body.refobjid IS NOT NULL)
    ) AS next
), policies AS (
    SELECT
        polrelid, polpermissive, pg_get_expr(polqual, polrelid) = 'true' AS shows_all,
        CASE WHEN role = 0 THEN NULL ELSE role END AS role  -- 0: everybody
    FROM pg_policy, unnest(polroles) AS role
    WHERE polcmd IN ('*', 'r')
)
SELECT
    c.oid,
    c.oid::regclass::text,
    quote_ident(reader.rolname),
    c.relispopulated,
    c.relkind = 'f',
    behind.by_name AND NOT has_any_column_privilege(reader.oid, c.oid, 'SELECT'),
    behind.by_name AND c.relrowsecurity AND NOT (reader.rolsuper OR reader.rolbypassrls)
    AND (c.relforcerowsecurity OR NOT pg_has_role(reader.oid, c.relowner, 'USAGE'))
    AND (
        SELECT bool_or(shows_all) FILTER (WHERE polpermissive) IS NOT TRUE
        OR bool_and(shows_all) FILTER (WHERE NOT polpermissive) IS FALSE
        FROM policies
        WHERE polrelid = c.oid AND (role IS NULL OR pg_has_role(reader.oid, role, 'USAGE'))
    )
FROM behind JOIN pg_class AS c USING (oid) JOIN pg_roles AS reader ON reader.oid = behind.reader
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY c.oid <> CAST(:oid AS oid), c.oid
""")
# What a function reads is known to the catalogue if PostgreSQL has parsed its body (BEGIN ATOMIC); a body
# that is text, in whatever language, may read anything.
_CALLED = sqlalchemy.text("""
WITH RECURSIVE called (oid) AS (
    SELECT used.refobjid
    FROM pg_rewrite AS rule
    JOIN pg_depend AS used ON used.classid = 'pg_rewrite'::regclass AND used.objid = rule.oid
    WHERE rule.ev_class = ANY (CAST(:oids AS oid[])) AND rule.ev_type = '1'
    AND used.refclassid = 'pg_proc'::regclass
    UNION
    SELECT used.refobjid
    FROM called
    JOIN pg_depend AS used ON used.classid = 'pg_proc'::regclass AND used.objid = called.oid
    WHERE used.refclassid = 'pg_proc'::regclass
)
SELECT
    coalesce(bool_or(body.prosqlbody IS NULL AND language.lanname NOT IN ('internal', 'c')), false),
    coalesce(array_agg(used.refobjid) FILTER (WHERE used.refobjid IS NOT NULL), '{}')
FROM called
JOIN pg_proc AS body ON body.oid = called.oid AND body.pronamespace <> 'pg_catalog'::regnamespace
JOIN pg_language AS language ON language.oid = body.prolang
LEFT JOIN pg_depend AS used ON used.classid = 'pg_proc'::regclass AND used.objid = called.oid
AND used.refclassid = 'pg_class'::regclass
""")
_WRITERS = sqlalchemy.text("""
SELECT c.oid, pid, virtualtransaction, c.oid::regclass::text
FROM pg_locks JOIN pg_class AS c ON c.oid = relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
WHERE locktype = 'relation' AND granted
AND (c.oid = ANY (CAST(:oids AS oid[])) OR :any AND c.oid >= 16384 AND c.relpersistence <> 't')
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
AND pid IS DISTINCT FROM pg_backend_pid()
ORDER BY pid
""")
# Names come as bytes: a database without an encoding (SQL_ASCII) has some that are no text to us. A type is
# what it is made of: a domain, perhaps over domains, has its values.
_COLUMNS = sqlalchemy.text("""
SELECT
    convert_to(a.attname, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END),
    (
        WITH RECURSIVE made_of AS (
            SELECT t.* FROM pg_type AS t WHERE t.oid = a.atttypid
            UNION ALL
            SELECT t.* FROM made_of JOIN pg_type AS t ON t.oid = made_of.typbasetype
        )
        SELECT CASE typnamespace WHEN 'pg_catalog'::regnamespace THEN format_type(oid, NULL) ELSE 'other' END
        FROM made_of WHERE typtype <> 'd'
    ),
    has_column_privilege(a.attrelid, a.attnum, 'SELECT')
FROM pg_attribute AS a
WHERE a.attrelid = CAST(:oid AS oid) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
""")


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view that exists."""

    oid: int
    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A relation whose rows another shows, or that one itself."""

    oid: int
    name: str  # as it is written in a statement
    reader: str  # the role whose rights count there
    populated: bool
    foreign: bool  # its rows are elsewhere
    denied: bool  # the reader may not read it
    hides: bool  # row-level security may keep rows from the reader


@dataclass(frozen=True, slots=True)
class Writer:
    """A transaction that writes, empties or alters a relation."""

    oid: int
    pid: int | None  # None: prepared, and nobody's
    transaction: str
    name: str  # of the relation, as it is written in a statement


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation."""

    name: str
    sql_type: str  # PostgreSQL's name of its type or, of a domain, of what that is made of; else "other"
    readable: bool
    is_text: bool  # False: its name is no UTF-8, and is shown with escapes


def find(connection: Connection, table: str) -> Relation | None:
    """Return what the name means on the search path; None if nothing."""
    row = connection.execute(_RELATION, {"name": table}).one_or_none()
    return None if row is None else Relation(*row)


def behind(connection: Connection, relation: Relation) -> list[Shown]:
    """Return the relation and every relation whose rows it shows."""
    return [Shown(*row) for row in connection.execute(_BEHIND, {"oid": relation.oid})]


def writers(connection: Connection, oids: Collection[int]) -> list[Writer]:
    """Return other sessions' transactions that hold a lock under which they write to one of the relations.

    Relations that functions in views read count, too; if it cannot be known what one reads, all do.
    """
    is_unknown, read = connection.execute(_CALLED, {"oids": list(oids)}).one()
    known = set(oids)
    while new := set(read) - known:  # a function may read a view, which may call another function
        for oid in new:
            known |= {shown[0] for shown in connection.execute(_BEHIND, {"oid": oid})} | {oid}
        is_unknown, read = connection.execute(_CALLED, {"oids": list(known)}).one()
    rows = connection.execute(_WRITERS, {"oids": list(known), "any": is_unknown})
    return [Writer(*row) for row in rows]


def columns(connection: Connection, relation: Relation) -> list[Column]:
    """Return the columns in the order of the table."""
    return list(_columns(connection.execute(_COLUMNS, {"oid": relation.oid}).all()))


def _columns(rows: Collection[sqlalchemy.Row]) -> Iterator[Column]:  # type: ignore[type-arg]
    for name, sql_type, readable in rows:
        try:
            yield Column(bytes(name).decode(), sql_type, readable, is_text=True)
        except UnicodeDecodeError:
            yield Column(bytes(name).decode(errors="backslashreplace"), sql_type, readable, is_text=False)


def count(connection: Connection, relation: Relation) -> int:
    """Return the number of rows."""
    table = sqlalchemy.table(relation.name, schema=relation.schema)
    n_rows: int = connection.execute(
        sqlalchemy.select(sqlalchemy.func.count()).select_from(table)
    ).scalar_one()
    return n_rows
