"""Rights that suffice for the rows suffice for us; rows that a policy may hide are never taken for all."""

from itertools import count

import psycopg2
from dresses import COLUMNS, Wardrobe, may_copy

TABLE = (
    "CREATE TABLE feature_store AS SELECT *, 'hush' AS secret FROM original;"
    "REVOKE ALL ON feature_store FROM ds_user_role;"
)
BASE = TABLE.replace("feature_store", "base")
OTHERS = "GRANT SELECT (idx, attr_a, attr_b, scd_a, scd_b) ON"
ALL_SIX = f"GRANT SELECT ({COLUMNS}) ON"
GRANTS = {
    "the table": TABLE + "GRANT SELECT ON feature_store TO ds_user",
    "the columns": TABLE + f"{ALL_SIX} feature_store TO ds_user_role",
    "the columns, through another role": TABLE + f"{ALL_SIX} feature_store TO {{role}}; GRANT {{role}} TO ds_user",
    "the columns to everybody": TABLE + f"{ALL_SIX} feature_store TO PUBLIC",
    "the columns of a partitioned table": "CREATE TABLE feature_store (LIKE original) PARTITION BY RANGE (idx);"
    "CREATE TABLE part PARTITION OF feature_store DEFAULT; INSERT INTO feature_store SELECT * FROM original;"
    f"REVOKE ALL ON feature_store, part FROM ds_user_role; {ALL_SIX} feature_store TO ds_user",
    "the columns of a view": BASE + "CREATE VIEW feature_store AS SELECT * FROM base;"
    f"REVOKE ALL ON feature_store FROM ds_user_role; {ALL_SIX} feature_store TO ds_user",
    "the columns of what a view of the reader's rights reads": BASE
    + f"{ALL_SIX} base TO ds_user; CREATE VIEW feature_store WITH (security_invoker) AS SELECT {COLUMNS} FROM base",
    "the columns of what a view's owner reads": BASE
    + f"{ALL_SIX} base TO {{role}}; CREATE VIEW feature_store AS SELECT {COLUMNS} FROM base;"
    "ALTER TABLE feature_store OWNER TO {role}; GRANT SELECT ON feature_store TO ds_user",
    "a materialized view": BASE + "CREATE MATERIALIZED VIEW feature_store AS SELECT * FROM base",
    "a view that names a table and does not read it": BASE
    + "CREATE VIEW feature_store AS SELECT *, 'base'::regclass AS home FROM original",
    "all but one column": TABLE + f"{OTHERS} feature_store TO ds_user",
    "no column": TABLE,
    "a view and not what it reads with the reader's rights": BASE
    + "CREATE VIEW feature_store WITH (security_invoker) AS SELECT * FROM base",
    "a view whose owner may not read": BASE
    + "CREATE VIEW feature_store AS SELECT * FROM base; ALTER TABLE feature_store OWNER TO {role};"
    "GRANT SELECT ON feature_store TO ds_user",
}  # fmt: skip
_numbers = count()


def role(wardrobe: Wardrobe) -> str:
    name = f"role_{next(_numbers)}"
    wardrobe.run(f"CREATE ROLE {name}")
    return name


def test_what_may_be_copied_is_read_and_what_may_not_is_waited_for(wardrobe: Wardrobe):
    may = []
    for name, grants in GRANTS.items():
        wardrobe.put_on(grants.format(role=role(wardrobe)))
        may.append(may_copy(wardrobe))

        found = wardrobe.obstacle()

        assert (found is None) == may[-1], f"{name}: {found}"
        if found is not None:
            assert "grant" in found, name
            printed = found.split("Grant it: ")[-1].split("Grant them: ")[-1].split(", preferably")[0]
            wardrobe.run(printed.rstrip("."))
        assert wardrobe.shows_all(), name
    assert set(may) == {True, False}


def test_a_column_that_may_not_be_read_is_left_out_and_that_is_said(wardrobe: Wardrobe, caplog):
    wardrobe.put_on(GRANTS["the columns"])
    assert list(wardrobe.read()) == COLUMNS.split(", ")
    assert "feature_store is read without its column secret: this role may not read it" in caplog.text

    wardrobe.put_on(GRANTS["the table"])
    assert list(wardrobe.read()) == [*COLUMNS.split(", "), "secret"]


# What a table with row-level security says of ds_user; "{base}" is the table.
POLICIES = {
    "none": "",
    "all": "CREATE POLICY p ON {base} USING (true);",
    "all to the role": "CREATE POLICY p ON {base} FOR SELECT TO ds_user_role USING (true);",
    "all to somebody else": "CREATE POLICY p ON {base} FOR SELECT TO mle_user USING (true);",
    "all of what may be changed": "CREATE POLICY p ON {base} FOR UPDATE USING (true);",
    "some": "CREATE POLICY p ON {base} USING (idx % 2 = 0);",
    "some or all": "CREATE POLICY p ON {base} USING (idx < 3); CREATE POLICY q ON {base} USING (true);",
    "all but some": "CREATE POLICY p ON {base} USING (true);"
    "CREATE POLICY q ON {base} AS RESTRICTIVE USING (idx > 3);",
    "all and all": "CREATE POLICY p ON {base} USING (true);"
    "CREATE POLICY q ON {base} AS RESTRICTIVE USING (true);",
    "all, restricted for somebody else": "CREATE POLICY p ON {base} USING (true);"
    "CREATE POLICY q ON {base} AS RESTRICTIVE TO mle_user USING (false);",
    "by setting": "CREATE POLICY p ON {base} USING (current_setting('app.tenant', true) = attr_b);",
}
WAYS = {
    "the table": "ALTER TABLE base RENAME TO feature_store;",
    "the table of a group that ds_user is in": "ALTER TABLE base RENAME TO feature_store;"
    "GRANT {role} TO ds_user; ALTER TABLE feature_store OWNER TO {role};",
    "the same, forced": "ALTER TABLE base RENAME TO feature_store; GRANT {role} TO ds_user;"
    "ALTER TABLE feature_store OWNER TO {role}; ALTER TABLE feature_store FORCE ROW LEVEL SECURITY;",
    "a view of the superuser": "CREATE VIEW feature_store AS SELECT * FROM base;",
    "a view of another role": "GRANT SELECT ON base TO {role}; CREATE VIEW feature_store AS SELECT * FROM base;"
    "ALTER TABLE feature_store OWNER TO {role};",
    "a view of the reader's rights in one of the superuser": "CREATE VIEW inside WITH (security_invoker = on) AS "
    "SELECT * FROM base; CREATE VIEW feature_store AS SELECT * FROM inside;",
    "the parent of the table": "CREATE TABLE feature_store (LIKE base); ALTER TABLE base INHERIT feature_store;",
    "a materialized view": "CREATE MATERIALIZED VIEW feature_store AS SELECT * FROM base;",
    "a column that names the table": "CREATE VIEW feature_store AS SELECT original.* FROM original;",
}


def affects_the_query(wardrobe: Wardrobe) -> bool:
    """Whether PostgreSQL would apply a policy, or the lack of one, to a read by ds_user."""
    try:
        wardrobe.run("SET row_security = off", "SELECT FROM feature_store", user="ds_user")
    except psycopg2.errors.InsufficientPrivilege:
        return True
    return False


def test_a_table_from_which_a_policy_may_hide_rows_is_not_read_and_any_other_is(wardrobe: Wardrobe):
    every_policy = [(policy, way) for policy in POLICIES for way in ("the table", "a view of another role")]
    every_way = [(policy, way) for policy in ("none", "some") for way in WAYS]
    outcomes = set()
    for policy, way in dict.fromkeys([*every_policy, *every_way]):
        make, show = POLICIES[policy], WAYS[way]
        case = f"{policy}, {way}"
        shown = "base" if "base RENAME" not in show else "feature_store"
        wardrobe.put_on(
            "CREATE TABLE base AS SELECT * FROM original; ALTER TABLE base ENABLE ROW LEVEL SECURITY;"
            + make.format(base="base"),
            show.format(role=role(wardrobe)),
            "GRANT SELECT ON feature_store TO ds_user",
        )
        n_seen = wardrobe.run("SELECT count(*) FROM feature_store", user="ds_user")[0][0]
        applies = affects_the_query(wardrobe)

        found = wardrobe.obstacle()

        outcomes.add((found is None, applies))
        if found is None:
            assert n_seen == len(wardrobe.rows), f"{case}: hidden rows were not noticed"
            assert wardrobe.shows_all(), case
        else:
            assert applies, f"{case}: nothing is hidden, but {found}"
            assert "all" not in policy or n_seen < len(wardrobe.rows), f"{case}: {found}"
            assert f"row-level security on {shown}" in found, case
    assert outcomes == {(True, False), (True, True), (False, True)}


def test_what_is_printed_against_hidden_rows_shows_them(wardrobe: Wardrobe):
    hiding = (
        "CREATE TABLE feature_store AS SELECT * FROM original;"
        "ALTER TABLE feature_store ENABLE ROW LEVEL SECURITY"
    )
    wardrobe.put_on(hiding)
    wardrobe.run(wardrobe.obstacle().split("run: ")[1].split(";")[0])
    assert wardrobe.shows_all()

    restricted = "CREATE POLICY q ON feature_store AS RESTRICTIVE USING (idx > 3)"
    wardrobe.put_on(hiding, restricted)
    wardrobe.run(wardrobe.obstacle().split("policies: ")[1].split(";")[0])
    try:
        assert wardrobe.shows_all()
    finally:
        wardrobe.run("ALTER ROLE ds_user NOBYPASSRLS")
