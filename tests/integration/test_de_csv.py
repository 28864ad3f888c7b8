"""The CSV loader gives the tables that the files were written from and says so, or loads nothing."""

import gzip
import hashlib
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from book import snapshot
from data_science.settings import Settings
from data_science.sources.postgres import feature_store
from de.csv_files import COLUMNS, LoadError
from de.load import generate, load_csv, process_data

TABLES = ("customer_profiles", "customer_activity", "labels", "stores", "sales")


def copy_out(company, statement, path: Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(company.connect()) as connection, connection.cursor() as cursor, path.open("wb") as target:
        cursor.copy_expert(f"COPY ({statement}) TO STDOUT (FORMAT csv, HEADER)", target)


@pytest.fixture
def exported(company, query, tmp_path):
    """The files of the shared company, each header turned round; sales by day."""
    for table in ("customer_profiles", "customer_activity", "labels", "stores"):
        names = ", ".join(reversed(COLUMNS[table]))
        copy_out(company, f"SELECT {names} FROM {table}", tmp_path / f"{table}.csv")
    days = query(company, "SELECT DISTINCT date FROM sales ORDER BY date")["date"]
    for day in days:
        statement = f"SELECT store_idx, date, value, idx FROM sales WHERE date = '{day}'"
        copy_out(company, statement, tmp_path / "sales" / str(day) / "sales.csv")
    return tmp_path


def load(company, folder, **wanted):
    with closing(company.connect()) as connection:
        load_csv(connection, folder, **wanted)
        process_data(connection)


def origins(company, query):
    """What ds_user reads of where each table comes from."""
    names = ", ".join(f"obj_description('{table}'::regclass, 'pg_class') AS {table}" for table in TABLES)
    return query(company, f"SELECT {names}", user="ds_user").loc[0].to_dict()


def from_file(path):
    return f"the company's file, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def contents(company, query):
    """Every row of every table with its comment, and whether signal_truth is there."""
    rows = {table: query(company, f"SELECT * FROM {table} ORDER BY 1, 2").to_dict() for table in TABLES}
    truth = query(company, "SELECT to_regclass('signal_truth')::text AS found")["found"].item()
    return rows, origins(company, query), truth


def test_exported_files_give_the_same_tables_in_another_database(company, new_company, query, exported):
    other = new_company(n_clients=20, seed=9)

    load(other, exported)

    for table in (*TABLES, "feature_store", "monthly_sales"):
        rows = f"SELECT * FROM {table} ORDER BY 1, 2"
        pd.testing.assert_frame_equal(query(other, rows), query(company, rows))


def test_loading_files_removes_the_truth_of_generated_labels(new_company, query, exported):
    company = new_company(scenario="signal", n_clients=20)

    load(company, exported)

    assert query(company, "SELECT to_regclass('signal_truth') AS found")["found"].item() is None


@pytest.fixture
def partial(tmp_path):
    """Files of the company's shape: profiles and labels of some clients, stores and sales, packed or not."""
    clients = [3, 4, 17, 18, 40_000, 40_001]
    lines = {
        "customer_profiles.csv.gz": [
            "idx,attr_a,attr_b,attr_c",
            *(f"{n},{n % 5 + 1},c,yes" for n in clients),
        ],
        "labels.csv": ["idx,label", *(f"{n},{n % 2}" for n in clients)],
        "stores.csv.gz": ["idx,location", "1,New York", "2,Lisbon"],
        "sales.csv": ["idx,value,date,store_idx", "27,1.3,2020-01-21,1", "187,1.8,2020-01-11,2"],
    }
    for name, text in lines.items():
        data = "\r\n".join(text).encode()
        tmp_path.joinpath(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return tmp_path, clients


def test_only_what_is_missing_is_generated_and_every_table_says_which(new_company, query, partial):
    folder, clients = partial
    company, whole = new_company(n_clients=20, seed=9), new_company(n_clients=20, seed=5)

    load(company, folder, seed=5)

    assert origins(company, query) == {
        "customer_profiles": from_file(folder / "customer_profiles.csv.gz"),
        "customer_activity": "generated, seed 5",
        "labels": from_file(folder / "labels.csv"),
        "stores": from_file(folder / "stores.csv.gz"),
        "sales": from_file(folder / "sales.csv"),
    }
    activity = query(company, "SELECT * FROM customer_activity ORDER BY idx, valid_from")
    assert sorted(set(activity["idx"])) == clients
    recipe = query(
        whole, "SELECT * FROM customer_activity WHERE idx IN (3, 4, 17, 18) ORDER BY idx, valid_from"
    )
    pd.testing.assert_frame_equal(activity[activity["idx"] < 20], recipe)
    assert sorted(query(company, "SELECT idx FROM feature_store")["idx"]) == clients
    assert len(query(company, "SELECT * FROM monthly_sales")) == 2


@pytest.mark.parametrize(
    ("kept", "clients"),
    [
        (["labels.csv"], [3, 4, 17, 18, 40_000, 40_001]),
        (["customer_profiles.csv.gz"], [3, 4, 17, 18, 40_000, 40_001]),
        (["stores.csv.gz"], list(range(30))),
        (["sales.csv"], list(range(30))),
    ],
)
def test_whatever_is_missing_is_made_for_the_clients_of_the_files(new_company, query, partial, kept, clients):
    folder, _ = partial
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    company = new_company(scenario=None)

    load(company, folder, n_clients=30)

    assert sorted(query(company, "SELECT idx FROM feature_store")["idx"]) == clients
    said = origins(company, query)
    assert {table for table, text in said.items() if text.startswith("the company's file")} == {
        name.split(".")[0] for name in kept
    }
    assert all(text.startswith(("the company's file", "generated, seed 1")) for text in said.values())


def test_labels_with_a_signal_are_made_for_profiles_of_a_file(new_company, query, partial):
    folder, clients = partial
    folder.joinpath("labels.csv").unlink()
    folder.joinpath("customer_profiles.csv.gz").unlink()
    profiles = "".join(f"{n},9,z,no\n" for n in clients)  # levels that no effect is written down for
    folder.joinpath("customer_profiles.csv").write_text(f"idx,attr_a,attr_b,attr_c\n{profiles}")
    company = new_company(scenario=None)

    load(company, folder, scenario="signal")

    assert origins(company, query)["labels"] == "generated, seed 1, scenario signal"
    assert sorted(query(company, "SELECT idx FROM labels")["idx"]) == clients
    assert len(query(company, "SELECT * FROM signal_truth")) == 12


def test_where_labels_and_profiles_disagree_it_is_said_and_the_join_decides(
    new_company, query, partial, caplog
):
    folder, clients = partial
    folder.joinpath("labels.csv").write_text("idx,label\n3,0\n4,1\n5,1\n")
    company = new_company(scenario=None)

    load(company, folder)

    assert sorted(query(company, "SELECT idx FROM feature_store")["idx"]) == [3, 4]
    assert sorted(query(company, "SELECT DISTINCT idx FROM customer_activity")["idx"]) == clients
    assert "4 only in customer_profiles, 1 only in labels" in caplog.text


def test_sales_of_a_store_that_is_not_there_are_counted(new_company, partial, caplog):
    folder, _ = partial
    folder.joinpath("sales.csv").write_text("idx,value,date,store_idx\n1,2,2020-01-01,1\n2,2,2020-01-01,0\n")

    load(new_company(scenario=None), folder)

    assert "1 sales are of a store that stores does not hold" in caplog.text


@pytest.mark.parametrize(
    ("damage", "wanted", "reasons"),
    [
        ({"labels.csv": "idx,label\n3,2\n"}, {}, [r"labels.csv, line 2: label is '2'; expected 0 or 1"]),
        (
            {"labels.csv": "idx;label\n3;1\n", "sales.csv": ""},
            {},
            ["labels.csv, line 1: header ['idx;label']", "sales.csv, line 1: header []"],
        ),
        ({"labels.csv": "idx,label\n5,1\n"}, {}, ["have no client idx in common"]),
        (
            {
                "labels.csv": "idx,label\n3,1\n4,0\n",
                "customer_activity.csv": "idx,valid_from,valid_to,scd_a,scd_b\n17,2020-01-01,,1,1\n",
            },
            {},
            ["no client idx is in all the files of customer_profiles, labels, customer_activity"],
        ),
        (
            {
                "customer_activity.csv": "idx,valid_from,valid_to,scd_a,scd_b\n"
                "3,2020-01-01,2020-02-01,1,1\n9,2020-01-01,,1,1\n",
            },
            {},
            ["with an empty valid_to in customer_activity; feature_store would have no row"],
        ),
        ({"stores.csv": "idx,location\n1,Rome\n"}, {}, ["stores.csv.gz are both there"]),
        ({}, {"scenario": "signal"}, ["scenario 'signal' is about generated labels", "labels.csv holds"]),
        ({}, {"scenario": "noise"}, ["scenario 'noise': expected one of no-signal, signal"]),
    ],
    ids=[
        "value",
        "two files",
        "no common client",
        "none in all",
        "none current",
        "ambiguous",
        "contradiction",
        "scenario",
    ],
)
def test_what_is_refused_leaves_rows_comments_and_truth_as_they_were(
    new_company, query, partial, damage, wanted, reasons
):
    folder, _ = partial
    for name, text in damage.items():
        folder.joinpath(name).write_text(text)
    company = new_company(scenario="signal", n_clients=20)
    before = contents(company, query)

    with pytest.raises(LoadError) as refused:
        load(company, folder, **wanted)

    assert all(reason in str(refused.value) for reason in reasons)
    assert contents(company, query) == before


def test_a_load_that_breaks_in_the_middle_leaves_everything_as_it_was(
    new_company, query, partial, monkeypatch
):
    folder, _ = partial
    company = new_company(scenario="signal", n_clients=20)
    before = contents(company, query)
    monkeypatch.setattr("de.stand_in.fill", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        load(company, folder)

    assert contents(company, query) == before


def stated(company):
    database = Settings.from_environment(company.environment()).database
    return feature_store.get_dataset_and_provenance(database)[1].tables


def test_feature_store_says_what_its_own_rows_were_made_from(new_company, partial):
    folder, _ = partial
    company = new_company(n_clients=6, seed=4)
    generated = {
        "customer_profiles": "generated, seed 4",
        "labels": "generated, seed 4, scenario no-signal",
        "customer_activity": "generated, seed 4",
    }
    with closing(company.connect()) as connection:
        load_csv(connection, folder)  # the sources are new, feature_store is still made from the old

        assert stated(company) == generated
        process_data(connection)

    assert stated(company) == {
        "customer_profiles": from_file(folder / "customer_profiles.csv.gz"),
        "labels": from_file(folder / "labels.csv"),
        "customer_activity": "generated, seed 1",
    }


def test_a_table_that_is_read_brings_its_own_comment_along_also_through_a_snapshot(
    new_company, partial, tmp_path
):
    folder, _ = partial
    company = new_company(scenario=None)
    load(company, folder)
    settings = Settings.from_environment(company.environment())

    snapshot.take(settings, tmp_path / "snapshot")

    labels, stores, monthly = (
        snapshot.read(settings, name, tmp_path / "snapshot").attrs["comment"]
        for name in ("labels", "stores", "monthly_sales")
    )
    assert (labels, stores) == (from_file(folder / "labels.csv"), from_file(folder / "stores.csv.gz"))
    assert monthly is None


def test_stand_in_data_after_files_no_longer_claim_the_files(new_company, query, partial):
    folder, _ = partial
    company = new_company(scenario=None)
    load(company, folder)

    with closing(company.connect()) as connection:
        generate(connection, "signal", 20, 3)

    assert origins(company, query) == {
        **dict.fromkeys(TABLES, "generated, seed 3"),
        "labels": "generated, seed 3, scenario signal",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "COMMENT ON TABLE feature_store IS NULL",
        "COMMENT ON TABLE feature_store IS 'for the data scientists'",
        "REVOKE SELECT ON pg_description FROM PUBLIC",
        "ALTER TABLE feature_store RENAME TO other; CREATE VIEW feature_store AS SELECT * FROM other; "
        "GRANT SELECT ON feature_store TO ds_user_role",
    ],
    ids=["none", "other words", "may not be read", "a view"],
)
def test_a_database_that_does_not_state_it_is_read_all_the_same(new_company, query, statement):
    company = new_company(n_clients=20)
    query(company, statement)
    database = Settings.from_environment(company.environment()).database

    frame, source = feature_store.get_dataset_and_provenance(database)

    assert len(frame) == 20
    assert set(source.tables.values()) == {"not stated"}
