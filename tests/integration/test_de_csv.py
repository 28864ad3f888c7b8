"""The CSV loader gives the tables that the files were written from and says so, or loads nothing."""

from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from de.csv_files import COLUMNS, LoadError
from tests.integration.company_files import TABLES, from_file, load, origins


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

    assert "1 sales are of a store that is missing from stores" in caplog.text


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
        ({"stores.csv": "idx,location\n1,Rome\n"}, {}, ["stores.csv.gz both exist"]),
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
