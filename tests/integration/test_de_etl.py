"""The ETL builds what a re-join of the sources gives, every time, and never shows half of it."""

import logging
import threading
from contextlib import closing

import pandas as pd
import pytest

from de.load import LoadError, process_data


def rejoin(company, query):
    activity = query(company, "SELECT * FROM customer_activity")
    return (
        query(company, "SELECT idx, attr_a, attr_b FROM customer_profiles")
        .merge(activity.loc[activity["valid_to"].isna(), ["idx", "scd_a", "scd_b"]], on="idx")
        .merge(query(company, "SELECT * FROM labels"), on="idx")
        .sort_values("idx", ignore_index=True)
    )


def run_etl(company):
    with closing(company.connect()) as connection:
        process_data(connection)


def test_feature_store_is_the_join_of_profiles_current_activity_and_labels(company, query):
    built = query(company, "SELECT * FROM feature_store ORDER BY idx")

    pd.testing.assert_frame_equal(built, rejoin(company, query))


def test_monthly_sales_are_the_sums_of_the_sales(company, query):
    sales = query(company, "SELECT * FROM sales").merge(
        query(company, "SELECT idx AS store_idx, location FROM stores"), on="store_idx"
    )
    month = pd.to_datetime(sales["date"]).dt.to_period("M").dt.start_time
    expected = sales.groupby(["store_idx", "location", month.rename("sale_month")])["value"].sum()

    built = query(company, "SELECT * FROM monthly_sales")
    built["sale_month"] = pd.to_datetime(built["sale_month"])
    built = built.set_index(["store_idx", "location", "sale_month"])["value"]

    pd.testing.assert_series_equal(built, expected, check_index_type=False)


def test_the_columns_have_the_types_of_the_contract(company, query):
    types = query(
        company,
        "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute "
        "WHERE attrelid = 'feature_store'::regclass AND attnum > 0 ORDER BY attnum",
    )

    assert dict(zip(types["attname"], types["type"], strict=True)) == {
        "idx": "integer",
        "attr_a": "integer",
        "attr_b": "character(1)",
        "scd_a": "double precision",
        "scd_b": "integer",
        "label": "integer",
    }


def test_running_twice_gives_the_same_tables(new_company, query):
    company = new_company()
    tables = ("SELECT * FROM feature_store", "SELECT * FROM monthly_sales")
    before = [query(company, table) for table in tables]

    run_etl(company)

    for table, rows in zip(tables, before, strict=True):
        pd.testing.assert_frame_equal(query(company, table), rows)


def test_only_the_current_activity_counts(new_company, query):
    company = new_company(n_clients=20)
    query(company, "UPDATE customer_activity SET scd_b = 99 WHERE valid_to IS NOT NULL")
    query(company, "UPDATE customer_activity SET scd_b = 7 WHERE valid_to IS NULL AND idx = 3")

    run_etl(company)

    scd_b = query(company, "SELECT idx, scd_b FROM feature_store").set_index("idx")["scd_b"]
    assert scd_b[3] == 7
    assert 99 not in set(scd_b)


@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO customer_activity VALUES (4, '2024-01-01', NULL, .5, 1)",
        "INSERT INTO labels VALUES (4, 1)",
        "INSERT INTO customer_profiles VALUES (4, 1, 'a', 'c00')",
    ],
    ids=["two current spells", "two labels", "two profiles"],
)
def test_a_client_that_would_appear_twice_is_refused_and_the_old_table_stays(new_company, query, damage):
    company = new_company(n_clients=20)
    before = query(company, "SELECT * FROM feature_store")
    query(company, damage)

    with pytest.raises(LoadError, match=r"client idx 4 has 2 rows in feature_store, expected 1\. Look for"):
        run_etl(company)

    pd.testing.assert_frame_equal(query(company, "SELECT * FROM feature_store"), before)


def test_clients_without_a_label_are_left_out_and_counted(new_company, query, caplog):
    company = new_company(n_clients=20)
    query(company, "DELETE FROM labels WHERE idx IN (5, 6)")

    with caplog.at_level(logging.WARNING):
        run_etl(company)

    assert "2 clients have no current activity or no label" in caplog.text
    assert len(query(company, "SELECT * FROM feature_store")) == 18


def test_what_the_server_remarks_is_told_from_a_warning_in_any_language(new_company, query, caplog):
    company = new_company(n_clients=20)
    query(company, "DROP TABLE feature_store, monthly_sales")

    with caplog.at_level(logging.WARNING), closing(company.connect()) as connection:
        connection.notices = _Translated()
        process_data(connection)
        assert not caplog.messages  # that there was nothing to drop is no news

        query(company, "DELETE FROM labels WHERE idx = 5")
        process_data(connection)

    assert [message for message in caplog.messages if "1 clients have no current activity" in message]


class _Translated(list):
    """Notices as a German server sends them."""

    def append(self, notice):
        super().append(notice.replace("WARNING:", "WARNUNG:").replace("NOTICE:", "HINWEIS:"))


def test_a_reader_sees_a_whole_table_at_every_moment(new_company, query):
    company = new_company(n_clients=3_000)
    done = threading.Event()

    def rebuild():
        for _ in range(5):
            run_etl(company)
        done.set()

    builder = threading.Thread(target=rebuild)
    builder.start()
    counts = set()
    while not done.is_set():
        counts.add(query(company, "SELECT count(*) AS n FROM feature_store", user="ds_user")["n"].item())
    builder.join()

    assert counts == {3_000}
