"""The CSV loader gives the tables that the files were written from, or says what is wrong with a file."""

from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from de.csv_files import COLUMNS, LoadError
from de.load import load_csv, process_data


def copy_out(company, statement, path: Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(company.connect()) as connection, connection.cursor() as cursor, path.open("wb") as target:
        cursor.copy_expert(f"COPY ({statement}) TO STDOUT (FORMAT csv, HEADER)", target)


@pytest.fixture
def exported(company, query, tmp_path):
    """The files of the shared company, each header turned round; sales of the first 40 days."""
    for table in ("customer_profiles", "customer_activity", "labels", "stores"):
        names = ", ".join(reversed(COLUMNS[table]))
        copy_out(company, f"SELECT {names} FROM {table}", tmp_path / f"{table}.csv")
    days = query(company, "SELECT DISTINCT date FROM sales ORDER BY date LIMIT 40")["date"]
    for day in days:
        statement = f"SELECT store_idx, date, value, idx FROM sales WHERE date = '{day}'"
        copy_out(company, statement, tmp_path / "sales" / str(day) / "sales.csv")
    return tmp_path


def load(company, folder):
    with closing(company.connect()) as connection:
        load_csv(connection, folder)
        process_data(connection)


def test_exported_files_give_the_same_feature_store_in_another_database(
    company, new_company, query, exported
):
    other = new_company(n_clients=20, seed=9)

    load(other, exported)

    for table in ("feature_store", "customer_activity", "customer_profiles"):
        rows = f"SELECT * FROM {table} ORDER BY 1, 2"
        pd.testing.assert_frame_equal(query(other, rows), query(company, rows))
    monthly = "SELECT * FROM monthly_sales WHERE sale_month = '2020-01-01'"
    pd.testing.assert_frame_equal(query(other, monthly), query(company, monthly))


def write(folder, name, text):
    folder.joinpath(name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: folder.joinpath("labels.csv").unlink(), r"labels\.csv is missing; expected one CSV"),
        (
            lambda folder: write(folder, "labels.csv", ""),
            r"labels\.csv: header \[\]; .*missing: \['idx', 'label'\]",
        ),
        (lambda folder: write(folder, "labels.csv", "idx\n1\n"), r"labels\.csv: .*missing: \['label'\]"),
        (lambda folder: write(folder, "labels.csv", "idx,label,x\n1,1,1\n"), r"unknown: \['x'\]"),
        (lambda folder: write(folder, "labels.csv", "idx,label,idx\n1,1,1\n"), r"in any order"),
        (
            lambda folder: write(folder, "labels.csv", "idx,label\n1,1\n2,yes\n"),
            r'labels\.csv: invalid input syntax for type integer: "yes" \(labels, line 3, column label',
        ),
        (
            lambda folder: folder.joinpath("sales/2020-01-03").rename(folder / "sales/january"),
            r"folder 'january' is not a day; expected YYYY-MM-DD",
        ),
        (
            lambda folder: folder.joinpath("sales").rename(folder / "old"),
            r"sales: no file found; expected one",
        ),
    ],
    ids=["no file", "empty", "column missing", "column unknown", "column twice", "value", "day", "no sales"],
)
def test_a_bad_file_is_named_with_the_reason_and_the_old_rows_stay(
    new_company, query, exported, damage, reason
):
    company = new_company(n_clients=20)
    before = query(company, "SELECT * FROM labels")
    damage(exported)

    with pytest.raises(LoadError, match=reason):
        load(company, exported)

    pd.testing.assert_frame_equal(query(company, "SELECT * FROM labels"), before)
