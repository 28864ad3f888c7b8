"""What a column is made of, how it is encoded and what nobody asked for: the rows that are needed come as they are."""

from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest
from dresses import AT_ONCE, COLUMNS, Wardrobe

from data_science.errors import DatabaseError, SchemaError
from data_science.settings import Settings
from data_science.sources.postgres import feature_store
from de.embedded import Coordinates, PostgresServer

NUMBERS = {
    "int64": ["smallint", "integer", "bigint"],
    "float64": ["real", "double precision", "numeric", "numeric(12, 3)"],
    "str": ["text", "varchar", "varchar(9)", "char(3)", '"char"', "name"],
    "bool": ["boolean"],
}


def test_a_domain_over_whatever_domains_is_read_as_what_it_is_made_of(wardrobe: Wardrobe):
    types = [(dtype, sql_type) for dtype, listed in NUMBERS.items() for sql_type in listed]
    wardrobe.put_on("CREATE SCHEMA IF NOT EXISTS far", "CREATE TABLE feature_store AS SELECT * FROM original")
    for number, (_, sql_type) in enumerate(types):
        wardrobe.run(
            f"CREATE DOMAIN a{number} AS {sql_type}; CREATE DOMAIN b{number} AS a{number} NOT NULL DEFAULT '1';"
            f'CREATE DOMAIN far."Über {number}" AS b{number} CHECK (VALUE IS NOT NULL);'
            f"ALTER TABLE feature_store ADD p{number} {sql_type} DEFAULT '1', ADD d{number} a{number} DEFAULT '1', "
            f'ADD e{number} b{number}, ADD f{number} far."Über {number}"'
        )

    frame = wardrobe.read()

    for number, (dtype, sql_type) in enumerate(types):
        for domain in "pdef":
            assert frame[f"{domain}{number}"].dtype == dtype, (sql_type, domain)
            pd.testing.assert_series_equal(frame[f"{domain}{number}"], frame[f"p{number}"], check_names=False)


def test_promised_columns_may_be_domains_over_domains(wardrobe: Wardrobe):
    wardrobe.put_on(
        "CREATE DOMAIN whole AS integer; CREATE DOMAIN count AS whole CHECK (VALUE >= 0);"
        "CREATE DOMAIN share AS real; CREATE DOMAIN letters AS varchar; CREATE DOMAIN letter AS letters;"
        "CREATE VIEW feature_store AS SELECT idx::count, attr_a::count, attr_b::letter, scd_a, scd_b::whole,"
        " label::count FROM original"
    )

    assert wardrobe.shows_all()


# Columns beside the promised ones: type and value, the same in every row, and how it is read.
BESIDE = {
    "date": ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'4713-01-01 BC'", "'10000-01-01'", "'5874897-12-31'"],
    "timestamp": ["'infinity'", "'0044-03-15 BC'", "'294276-01-01'"],
    "timestamptz": ["'-infinity'", "'0001-01-01 BC'"],
    "numeric": ["'NaN'", "'Infinity'", "1e400", "-1e-400", "123456789012345678901234567890"],
    "money": ["'-$1,234.50'"],
    "uuid": ["'00000000-0000-0000-0000-000000000001'"],
    "mood": ["'so-so, \"really\"'"],
    "mood[]": ["ARRAY['fine']::mood[]"],
    "days": ["'infinity'"],
    "date[]": ["'{infinity,2020-01-01}'"],
    "pair": ["ROW('infinity', 1)"],
    "integer[]": ["'{{1,2},{3,NULL}}'"],
    "interval": ["'-1 mon +1 day'", "'infinity'"],
    "time": ["'24:00'"],
    "timetz": ["'00:00+15:59'"],
    "bytea": [r"'\x00ff'"],
    "bit(3)": ["'101'"],
    "varbit": ["''"],
    "json": ["'{\"a\": [1, null]}'"],
    "jsonb": ["'null'"],
    "int4range": ["'empty'"],
    "datemultirange": ["'{[2020-01-01,infinity)}'"],
    "point": ["'(1,2)'"],
    "inet": ["'::1/64'"],
    "tsvector": ["'a:1'"],
    "oid": ["4294967295"],
    "pg_lsn": ["'0/0'"],
    "regclass": ["'original'"],
    "text": ["''", "E'NULL\\n\\r\\t'", "'\\N'", "'größe ☃ 日本'", "NULL"],
    "bigint": ["-9223372036854775808", "NULL"],
}  # fmt: skip


def test_values_that_nobody_asked_for_do_not_stop_the_rows(wardrobe: Wardrobe):
    columns = [(sql_type, value) for sql_type, values in BESIDE.items() for value in values]
    wardrobe.put_on(
        "CREATE TYPE mood AS ENUM ('so-so, \"really\"', 'fine'); CREATE DOMAIN day AS date; CREATE DOMAIN days AS day;"
        "CREATE TYPE pair AS (day date, n int); CREATE TABLE feature_store AS SELECT * FROM original",
        "ALTER TABLE feature_store "
        + ", ".join(f"ADD c{n} {sql_type} DEFAULT {value}" for n, (sql_type, value) in enumerate(columns)),
    )

    frame = wardrobe.read()

    assert wardrobe.shows_all()
    written = wardrobe.run("SET datestyle = 'ISO, YMD'", "SELECT " + ", ".join(
        f"c{n}::text" for n in range(len(columns))) + " FROM feature_store LIMIT 1")[0]  # fmt: skip
    for number, ((sql_type, value), text) in enumerate(zip(columns, written, strict=True)):
        found = frame[f"c{number}"].iloc[0]
        if text is None or text == "NaN":
            assert pd.isna(found), (sql_type, value)
        elif sql_type in ("numeric", "bigint"):
            assert found == float(text), (sql_type, value)
        else:
            assert found == text, (sql_type, value)


def test_a_promised_date_without_a_counterpart_is_refused_and_a_real_one_beside_it_is_a_date(new_company):
    own = new_company(n_clients=20)
    with closing(own.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE customer_activity ADD seen date DEFAULT '2020-02-29', ADD gone date DEFAULT 'infinity'"
        )
        cursor.execute("UPDATE customer_activity SET seen = NULL WHERE idx = 3")
    settings = Settings.from_environment(own.environment()).database

    frame = feature_store.get_customer_activity(settings)

    assert frame["seen"].dtype == frame["valid_from"].dtype
    assert set(frame["seen"].dropna()) == {pd.Timestamp("2020-02-29")}
    assert set(frame["gone"]) == {"infinity"}
    with closing(own.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE customer_activity SET valid_to = '-infinity' WHERE idx = 3")
    with pytest.raises(
        SchemaError, match=r"customer_activity contains a value that cannot be read .*infinity"
    ):
        feature_store.get_customer_activity(settings)


FAULTY = {
    "1 / (idx - 7)": "division by zero",
    "('{' || idx)::json": "invalid input syntax for type json",
    "fail(idx)": "no reason",
    "closed(idx)": "permission denied",
    "convert_from('\\xff', 'LATIN1')::int": "invalid input syntax for type integer",
}


def test_a_column_that_fails_is_left_out_with_the_servers_reason_unless_it_is_needed(
    wardrobe: Wardrobe, caplog
):
    functions = (
        "CREATE FUNCTION fail(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RAISE EXCEPTION ''no reason''; END';"
        "CREATE FUNCTION closed(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';"
        "REVOKE ALL ON FUNCTION closed FROM PUBLIC;"
    )
    listed = ", ".join(f'{faulty} AS "x%{n}"' for n, faulty in enumerate(FAULTY))
    wardrobe.put_on(functions, f"CREATE VIEW feature_store AS SELECT *, 1 AS fine, {listed} FROM original")

    assert wardrobe.shows_all()
    assert list(wardrobe.read()) == [*COLUMNS.split(", "), "fine"]
    for number, reason in enumerate(FAULTY.values()):
        assert f"feature_store is read without its column x%{number}: {reason}" in caplog.text

    wardrobe.put_on(
        functions, "CREATE VIEW feature_store AS SELECT idx, 1 / (idx - 7) AS attr_a FROM original"
    )
    assert "division by zero (SQLSTATE 22012)" in wardrobe.obstacle()


# Encoding of a database, Python's name of it, and a name and a value in it.
ENCODED = [
    ("UTF8", "utf-8", "größe ☃", "日本"),
    ("LATIN1", "latin-1", "größe", "süß"),
    ("LATIN9", "latin9", "prix €", "œuvre"),
    ("WIN1252", "cp1252", "größe €", "“so”"),
    ("WIN1251", "cp1251", "размер", "да"),
    ("KOI8R", "koi8-r", "размер", "да"),
    ("EUC_JP", "euc-jp", "大きさ", "日本"),
    ("EUC_KR", "euc-kr", "크기", "한국"),
    ("SQL_ASCII", "utf-8", "größe", "süß"),
]


def encoded(server: PostgresServer, encoding: str, codec: str, name: str, value: str) -> Coordinates:
    """Make a database in an encoding, with a column and a value beyond ASCII; the role has another in mind."""
    database = f"in_{encoding}_{codec.replace('-', '')}".lower()
    with closing(server.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {database} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
            cursor.execute(f"ALTER ROLE ds_user IN DATABASE {database} SET client_encoding = 'LATIN1'")
    company = Coordinates(server.hostname, server.port, database, server.passwords)
    statement = (
        "CREATE TABLE feature_store AS SELECT n AS idx, 1 AS attr_a, 'c' AS attr_b, 0.5::float8 AS scd_a,"
        f" 2 AS scd_b, 0 AS label, '{value}'::text AS \"{name}\" FROM generate_series(1, 9) AS n;"
        f" COMMENT ON TABLE feature_store IS '{value}'; GRANT SELECT ON feature_store TO ds_user"
    )
    with closing(company.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"SET client_encoding = '{encoding}'")
        cursor.execute(statement.encode(codec))
    return company


def read(company: Coordinates) -> pd.DataFrame:
    database = Settings.from_environment(company.environment()).database
    return feature_store.get_dataset(database, 0.0, patience=AT_ONCE)


@pytest.mark.usefixtures("wardrobe")  # for the roles and its patience
def test_names_and_values_in_any_encoding_are_read_whatever_the_client_is_told(shared_server, monkeypatch):
    for encoding, codec, name, value in ENCODED:
        company = encoded(shared_server, encoding, codec, name, value)
        for client in (None, "LATIN1", "SQL_ASCII", "EUC_JP"):
            if client:
                monkeypatch.setenv("PGCLIENTENCODING", client)

            frame = read(company)

            assert list(frame) == [*COLUMNS.split(", "), name], (encoding, client)
            assert set(frame[name]) == {value}, (encoding, client)
            assert frame.attrs["comment"] == value, (encoding, client)
        monkeypatch.delenv("PGCLIENTENCODING")


@pytest.mark.usefixtures("wardrobe")
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("größe", "plain", "gr\\xf6\\xdfe: its name is not UTF-8"),
        ("plain", "süß", "plain: invalid byte sequence for encoding"),
    ],
    ids=["name", "value"],
)
def test_bytes_that_are_no_text_cost_their_column_only(shared_server, caplog, query, name, value, message):
    company = encoded(shared_server, "SQL_ASCII", "latin-1", name, value)
    try:
        assert list(read(company)) == COLUMNS.split(", ")
        assert message in caplog.text

        query(company, "UPDATE feature_store SET attr_b = convert_from('\\xfc', 'SQL_ASCII') WHERE idx = 3")
        with pytest.raises(DatabaseError, match="feature_store cannot be read: invalid byte sequence"):
            read(company)
    finally:
        query(
            replace(company, database="postgres"),
            f"ALTER DATABASE {company.database} RENAME TO {name[:2]}_done",
        )
