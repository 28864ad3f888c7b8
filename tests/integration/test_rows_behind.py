"""Whatever name stands before the rows, who fills them is seen: nothing half-filled is taken as finished."""

import re
from itertools import product

import pytest
from dresses import COLUMNS, Wardrobe

# How the rows are stored: statements that make `base` from two halves, and the relation that holds the second.
STORED = {
    "table": ("CREATE TABLE base AS SELECT * FROM original", "base"),
    "unlogged table": ("CREATE UNLOGGED TABLE base AS SELECT * FROM original", "base"),
    "partitions": (
        "CREATE TABLE base (LIKE original) PARTITION BY RANGE (idx);"
        "CREATE TABLE first PARTITION OF base FOR VALUES FROM (0) TO (20);"
        "CREATE TABLE second PARTITION OF base FOR VALUES FROM (20) TO (40);"
        "INSERT INTO base SELECT * FROM original",
        "second",
    ),
    "partitions of a partition": (
        "CREATE TABLE base (LIKE original) PARTITION BY HASH (idx);"
        "CREATE TABLE first PARTITION OF base FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE half PARTITION OF base FOR VALUES WITH (MODULUS 2, REMAINDER 1) PARTITION BY LIST (attr_b);"
        "CREATE TABLE second PARTITION OF half DEFAULT;"
        "INSERT INTO base SELECT * FROM original",
        "second",
    ),
    "inheritance": (
        "CREATE TABLE base (LIKE original); CREATE TABLE child () INHERITS (base);"
        "CREATE TABLE second () INHERITS (child);"
        "INSERT INTO base SELECT * FROM original WHERE idx < 20;"
        "INSERT INTO second SELECT * FROM original WHERE idx >= 20",
        "second",
    ),
}
# What ds_user is shown: statements that make `feature_store` from `base`.
SHOWN = {
    "itself": "ALTER TABLE base RENAME TO feature_store",
    "view": "CREATE VIEW feature_store AS SELECT * FROM base",
    "view of the reader's rights": "CREATE VIEW feature_store WITH (security_invoker) AS SELECT * FROM base",
    "views of views": "CREATE VIEW inner_view WITH (security_barrier) AS SELECT * FROM base;"
    "CREATE VIEW feature_store AS WITH few AS (SELECT * FROM inner_view) SELECT * FROM few",
    "union": "CREATE VIEW feature_store AS SELECT * FROM base WHERE idx < 9 UNION ALL "
    "SELECT * FROM base WHERE idx >= 9",
    "join and subquery": "CREATE TABLE chosen AS SELECT idx FROM base; CREATE VIEW feature_store AS "
    "SELECT * FROM original WHERE idx IN (SELECT idx FROM base JOIN chosen USING (idx))",
    "function": f"CREATE FUNCTION rows() RETURNS SETOF base LANGUAGE sql STABLE "
    f"BEGIN ATOMIC SELECT {COLUMNS} FROM base; END; CREATE VIEW feature_store AS SELECT * FROM rows()",
    "function of a function": f"CREATE FUNCTION inner_rows() RETURNS SETOF base LANGUAGE sql STABLE "
    f"BEGIN ATOMIC SELECT {COLUMNS} FROM base; END; CREATE FUNCTION rows() RETURNS SETOF base LANGUAGE sql STABLE "
    f"BEGIN ATOMIC SELECT {COLUMNS} FROM inner_rows(); END; CREATE VIEW feature_store AS SELECT * FROM rows()",
    "function of a function of a view": f"CREATE VIEW inner_view AS SELECT * FROM base;"
    f"CREATE FUNCTION inner_rows() RETURNS SETOF original LANGUAGE sql STABLE "
    f"BEGIN ATOMIC SELECT {COLUMNS} FROM inner_view; END; CREATE FUNCTION rows() RETURNS SETOF original LANGUAGE sql STABLE "
    f"BEGIN ATOMIC SELECT {COLUMNS} FROM inner_rows(); END; CREATE VIEW feature_store AS SELECT * FROM rows()",
    "function whose body is text": f"CREATE FUNCTION rows() RETURNS SETOF base LANGUAGE sql STABLE AS "
    f"'SELECT {COLUMNS} FROM base'; CREATE VIEW feature_store AS SELECT * FROM rows()",
    "function in another language": f"CREATE FUNCTION rows() RETURNS SETOF base LANGUAGE plpgsql STABLE AS "
    f"'BEGIN RETURN QUERY SELECT {COLUMNS} FROM base; END'; CREATE VIEW feature_store AS SELECT * FROM rows()",
    "materialized view": "CREATE MATERIALIZED VIEW feature_store AS SELECT * FROM base",
    "view of a materialized view": "CREATE MATERIALIZED VIEW kept AS SELECT * FROM base;"
    "CREATE VIEW feature_store AS SELECT * FROM kept",
}
WRITES = [
    "INSERT INTO {} SELECT * FROM {} LIMIT 1",
    "UPDATE {} SET label = 1 - label",
    "DELETE FROM {}",
    "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
]


def test_a_writer_of_any_relation_behind_the_name_is_waited_for(wardrobe: Wardrobe):
    stored_and_shown = [  # each with several
        (stored, shown)
        for (n, stored), (m, shown) in product(enumerate(STORED), enumerate(SHOWN))
        if (n + m) % 2 == 0
    ]
    for number, (stored, shown) in enumerate(stored_and_shown):
        (make, second), show = STORED[stored], SHOWN[shown]
        wardrobe.put_on(make, show)
        written = "feature_store" if shown == "itself" and second == "base" else second

        with wardrobe.writing(WRITES[number % len(WRITES)].format(written, written)):
            found = wardrobe.obstacle()
        words = "it" if written == "feature_store" else f"{written}, whose rows"
        assert found is not None, f"{shown} of {stored}: read while {written} was being written"
        assert re.search(
            rf"another session is changing {words}[^.]*\. Let the ETL finish \(process ", found
        ), (shown, stored, found)

        assert wardrobe.shows_all(), f"{shown} of {stored}"


@pytest.mark.parametrize("shown", ["view", "itself"])
def test_a_table_that_is_only_read_or_tended_is_at_rest(wardrobe: Wardrobe, shown):
    wardrobe.put_on(STORED["partitions"][0], SHOWN[shown])

    with wardrobe.writing("SELECT FROM second FOR UPDATE", "LOCK TABLE first IN SHARE UPDATE EXCLUSIVE MODE"):
        assert wardrobe.shows_all()


def test_half_of_a_partition_load_is_not_read_however_long_it_rests(wardrobe: Wardrobe):
    make, second = STORED["partitions"]
    wardrobe.put_on(
        make, SHOWN["itself"], f"TRUNCATE {second}", "CREATE TABLE customer_profiles (LIKE original)"
    )
    wardrobe.run("INSERT INTO customer_profiles SELECT * FROM original")

    with wardrobe.writing(f"INSERT INTO {second} SELECT * FROM original WHERE idx >= 20"):
        assert "another session is changing second" in wardrobe.obstacle()  # though nothing need rest
    assert len(wardrobe.read()) == 20  # the load was given up: what is there is all there is


# Each: how it is made, what is said, and what fills it.
UNFILLED = {
    "materialized view": (
        "CREATE MATERIALIZED VIEW feature_store AS SELECT * FROM original WITH NO DATA",
        "the materialized view feature_store has not been populated. Run: ",
    ),
    "view of one": (
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM original WITH NO DATA;"
        "CREATE VIEW feature_store AS SELECT * FROM kept",
        "the materialized view kept, which feature_store reads, has not been populated. Run: ",
    ),
    "materialized view with no data of another": (
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM original;"
        "CREATE MATERIALIZED VIEW feature_store AS SELECT * FROM kept WITH NO DATA",
        "the materialized view feature_store has not been populated. Run: ",
    ),
    "no partition": (
        "CREATE TABLE feature_store (LIKE original) PARTITION BY RANGE (idx)",
        "feature_store is empty",
    ),
    "empty partition": (
        "CREATE TABLE feature_store (LIKE original) PARTITION BY RANGE (idx);"
        "CREATE TABLE part PARTITION OF feature_store DEFAULT",
        "feature_store is empty",
    ),
    "foreign table of a server that is not there": (
        "CREATE FOREIGN DATA WRAPPER {wrapper}; CREATE SERVER {wrapper} FOREIGN DATA WRAPPER {wrapper};"
        "CREATE FOREIGN TABLE feature_store (idx int) SERVER {wrapper}",
        "feature_store, or what it reads, cannot be read yet",
    ),
    "sequence of the same name": ("CREATE SEQUENCE feature_store", "there is no table feature_store"),
    "type of the same name": ("CREATE TYPE feature_store AS (idx int)", "there is no table feature_store"),
}


def test_what_is_not_filled_yet_is_waited_for_and_the_printed_statement_fills_it(wardrobe: Wardrobe):
    for name, (make, words) in UNFILLED.items():
        wardrobe.put_on(make.format(wrapper=f"w{wardrobe.schema}"))

        found = wardrobe.obstacle()

        assert found is not None, name
        assert words in found, name
        if "Run: " in words:
            wardrobe.run(found.split("Run: ")[1].rstrip("."))
            assert wardrobe.shows_all(), name


def test_a_function_that_is_parsed_or_the_servers_own_makes_nobody_else_a_writer(wardrobe: Wardrobe):
    for show in (SHOWN["function"], SHOWN["function of a function"],
                 f"CREATE VIEW feature_store AS SELECT abs(idx) AS idx, {COLUMNS[5:]} FROM base"):  # fmt: skip
        wardrobe.put_on(STORED["table"][0], show, "CREATE TABLE unrelated (idx int)")

        with wardrobe.writing("INSERT INTO unrelated VALUES (1)"):
            assert wardrobe.shows_all()
