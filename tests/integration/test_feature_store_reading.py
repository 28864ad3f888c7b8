"""What is read from a real server is what stands in it, or what is wrong with it is said."""

import math
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from data_science.data.dataset import FEATURE_STORE, validate
from data_science.data.responses import Response
from data_science.errors import SchemaError
from data_science.settings import DatabaseSettings, Settings
from data_science.sources.postgres import feature_store
from data_science.sources.postgres.waiting import Patience
from de.embedded import Coordinates

FEATURES = {"numeric": ("scd_a", "scd_b"), "factors": ("attr_a", "attr_b"), "response": Response("label")}
AT_ONCE = Patience(quiet_s=0, short_quiet_s=0)


def settings(company: Coordinates) -> DatabaseSettings:
    return Settings.from_environment(company.environment()).database


def run(company: Coordinates, statement: str) -> None:
    with closing(company.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def rows(company: Coordinates, query: str) -> list[tuple]:
    with closing(company.connect("ds_user")) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_feature_store_is_read_value_for_value(company):
    frame = feature_store.get_dataset(settings(company))

    assert dict(frame.dtypes.astype(str)) == {
        "idx": "int64",
        "attr_a": "int64",
        "attr_b": "str",
        "scd_a": "float64",
        "scd_b": "int64",
        "label": "int64",
    }
    assert list(frame.itertuples(index=False, name=None)) == rows(company, "SELECT * FROM feature_store")
    assert validate(frame, **FEATURES, schema=FEATURE_STORE).n_rows == len(frame)


@pytest.mark.parametrize(
    ("read", "table", "dates"),
    [
        (feature_store.get_customer_profiles, "customer_profiles", []),
        (feature_store.get_customer_activity, "customer_activity", ["valid_from", "valid_to"]),
        (feature_store.get_labels, "labels", []),
        (feature_store.get_stores, "stores", []),
        (feature_store.get_sales, "sales", ["date"]),
        (feature_store.get_monthly_sales, "monthly_sales", ["sale_month"]),
    ],
)
def test_every_table_of_the_company_can_be_read(company, read, table, dates):
    frame = read(settings(company))

    expected = rows(company, f"SELECT * FROM {table}")
    assert len(frame) == len(expected)
    for name, values in zip(frame.columns, zip(*expected, strict=True), strict=True):
        read_values = frame[name].dt.date if name in dates else frame[name]
        present = frame[name].notna()
        assert read_values[present].tolist() == [value for value in values if value is not None]
        assert present.tolist() == [value is not None for value in values]


def test_every_float_keeps_its_last_bit_and_text_keeps_everything(new_company):
    company = new_company(n_clients=1)
    bits = np.random.default_rng(1).integers(0, 2**63, 20_000).view(np.float64)
    numbers = np.concatenate([bits[np.isfinite(bits)], [math.inf, -math.inf, 5e-324, 0.1, -0.0]])
    texts = ["", " ", "a ", '"', "'", ",", "\\N", "NULL", "nan", "NaN", "two\nlines", "\r", "\t", "é☃"]
    texts.append("x" * 40_000)
    with closing(company.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE feature_store")
        cursor.execute(
            "CREATE TABLE feature_store AS "
            "SELECT row_number() OVER () AS place, number FROM unnest(%s::float8[]) AS number",
            # As one string: the literal -0.0 of SQL is a numeric, which has no negative zero.
            ["{" + ",".join(map(repr, numbers.tolist())) + "}"],
        )
        cursor.execute("ALTER TABLE feature_store ADD note text, ADD small real, ADD yes boolean")
        cursor.execute(
            "UPDATE feature_store SET note = (%s)[place], small = 0.1, yes = place %% 2 = 1", [texts]
        )

    frame = feature_store.get_dataset(settings(company), 60, patience=AT_ONCE).sort_values("place")

    assert (frame["number"].to_numpy().view(np.int64) == numbers.view(np.int64)).all()
    assert frame["note"].tolist()[: len(texts)] == texts
    assert frame["note"].isna().sum() == len(numbers) - len(texts)
    assert set(frame["small"]) == {float(np.float32(0.1))}
    assert frame["yes"].dtype == bool
    assert frame["yes"].tolist()[:3] == [True, False, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE IT SET scd_a = NULL WHERE idx = 7", "scd_a: NULL or NaN in 1 of .*first at idx 7"),
        ("UPDATE IT SET scd_b = NULL WHERE idx < 3", "scd_b: NULL or NaN in 3 of 50 rows"),
        ("UPDATE IT SET attr_b = NULL WHERE idx = 7", "attr_b: NULL or NaN in 1 of .*first at idx 7"),
        ("UPDATE IT SET scd_a = 'NaN' WHERE idx = 7", "scd_a: NULL or NaN in 1 of .*first at idx 7"),
        ("UPDATE IT SET scd_a = '-Infinity' WHERE idx = 7", "scd_a: an infinite value in 1 of 50 rows"),
        ("UPDATE IT SET label = 2 WHERE idx = 7", "label: a value such as 2 in 1 of .*first at idx 7"),
        ("UPDATE IT SET idx = 8 WHERE idx = 7", "idx: a repeated value in 2 of 50 rows, first at idx 8"),
        ("ALTER TABLE IT ALTER attr_b TYPE char(3)", "attr_b: whitespace around '.  '"),
        ("ALTER TABLE IT ALTER attr_a TYPE text", "attr_a: text such as '.' in 50 of.*Run: ALTER"),
        ("ALTER TABLE IT ALTER label TYPE text", "label: text such as '.' in 50 of.*Run: ALTER"),
        ("ALTER TABLE IT DROP attr_b", "attr_b: the column is missing"),
        ("ALTER TABLE IT RENAME label TO target", "label: the column is missing"),
    ],
    ids=[
        *("NULL number", "NULL integer", "NULL text", "NaN", "infinite", "label 2", "repeated", "padded"),
        *("integer as text", "label as text", "dropped", "renamed"),
    ],
)  # fmt: skip
def test_a_fault_in_the_table_is_read_as_it_is_and_named(new_company, change, message):
    company = new_company(n_clients=50)
    run(company, change.replace("IT", "feature_store"))

    frame = feature_store.get_dataset(settings(company), 60, patience=AT_ONCE)

    with pytest.raises(SchemaError, match=message):
        validate(frame, **FEATURES, schema=FEATURE_STORE)


def run_the_remedy(company: Coordinates, error: str) -> None:
    run(company, error.split("Run: ")[1].rstrip("."))


def test_the_remedy_for_a_wrong_type_is_a_statement_that_mends_it(new_company):
    company = new_company(n_clients=50)
    good = feature_store.get_dataset(settings(company))
    run(company, "ALTER TABLE feature_store ALTER attr_a TYPE text")

    broken = feature_store.get_dataset(settings(company))
    with pytest.raises(SchemaError, match="Run: ALTER TABLE") as caught:
        validate(broken, **FEATURES, schema=FEATURE_STORE)
    run_the_remedy(company, str(caught.value))

    mended = feature_store.get_dataset(settings(company)).sort_values("idx", ignore_index=True)
    pd.testing.assert_frame_equal(mended, good.sort_values("idx", ignore_index=True))


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE IT ALTER label TYPE boolean USING label = 1",
        "ALTER TABLE IT ALTER scd_b TYPE float8",
        "ALTER TABLE IT ALTER attr_a TYPE numeric(5, 2)",
        "ALTER TABLE IT ALTER idx TYPE bigint",
        "ALTER TABLE IT ALTER attr_b TYPE text",
        "CREATE DOMAIN share AS float8; ALTER TABLE IT ALTER scd_a TYPE share",
        "ALTER TABLE IT ADD COLUMN note text, ADD COLUMN at timestamptz DEFAULT now()",
        "ALTER TABLE IT RENAME TO stored; CREATE VIEW feature_store AS SELECT * FROM stored",
        "ALTER TABLE IT RENAME TO stored; CREATE MATERIALIZED VIEW feature_store AS SELECT * FROM stored",
        "CREATE SCHEMA \"lab's\"; GRANT USAGE ON SCHEMA \"lab's\" TO ds_user_role; "
        "ALTER TABLE IT SET SCHEMA \"lab's\"; "
        "ALTER ROLE ds_user IN DATABASE {name} SET search_path = public, \"lab's\"",
        "ALTER ROLE ds_user IN DATABASE {name} SET datestyle = 'German, DMY'; "
        "ALTER ROLE ds_user IN DATABASE {name} SET extra_float_digits = -10; "
        "ALTER ROLE ds_user IN DATABASE {name} SET client_encoding = 'LATIN1'",
    ],
    ids=[
        *("boolean", "float scd_b", "numeric attr_a", "bigint", "text attr_b", "domain", "more columns"),
        *("view", "materialized view", "another schema", "odd session settings"),
    ],
)  # fmt: skip
def test_the_same_data_in_another_dress_are_the_same_data(new_company, change):
    company = new_company(n_clients=50)
    plain = validate(feature_store.get_dataset(settings(company)), **FEATURES, schema=FEATURE_STORE)
    run(company, change.format(name=company.database).replace("IT", "feature_store"))

    frame = feature_store.get_dataset(settings(company), 60, patience=AT_ONCE)

    assert validate(frame, **FEATURES, schema=FEATURE_STORE).fingerprint == plain.fingerprint


def test_a_value_without_a_counterpart_is_refused_with_the_table_named(new_company):
    company = new_company(n_clients=50)
    run(company, "UPDATE customer_activity SET valid_from = 'infinity' WHERE idx = 3")

    with pytest.raises(
        SchemaError, match=r"customer_activity contains a value that cannot be read .*infinity"
    ):
        feature_store.get_customer_activity(settings(company))
