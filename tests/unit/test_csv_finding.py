"""Which files of a folder are the company's tables, and what could mean two things or nothing."""

import errno
from pathlib import Path

import pytest

from de import csv_finding
from de.csv_checking import checked
from de.errors import LoadError


def files(tmp_path, *names):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return csv_finding.find(tmp_path)


def test_plain_and_packed_files_are_found_and_what_is_not_there_is_left_out(tmp_path):
    found = files(tmp_path, "labels.csv", "stores.csv.gz", "sales.csv.gz", "readme.txt")

    assert {table: [path.name for path in paths] for table, paths in found.items()} == {
        "labels": ["labels.csv"],
        "stores": ["stores.csv.gz"],
        "sales": ["sales.csv.gz"],
    }


def test_daily_sales_are_found_in_the_order_of_days_plain_or_packed(tmp_path):
    found = files(tmp_path, "sales/2020-02-01/sales.csv", "sales/2020-01-31/sales.csv.gz")

    assert [path.parent.name for path in found["sales"]] == ["2020-01-31", "2020-02-01"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "contains no table; expected at least one of customer_profiles.csv"),
        (["label.csv"], "contains no table"),
        (["labels.csv", "labels.csv.gz"], r"labels\.csv and .*labels\.csv\.gz both exist; expected one"),
        (["sales.csv", "sales/2020-01-01/sales.csv"], r"both exist; expected one file, or one a day"),
        (["sales/2020-01-01/sales.csv", "sales/2020-01-01/sales.csv.gz"], "both exist"),
        (["sales/january/sales.csv"], r"folder 'january' is not a day; expected YYYY-MM-DD"),
        (["sales/20200101/sales.csv"], "is a day, but not written YYYY-MM-DD"),
        (["sales/notes.txt", "labels.csv"], r"notes\.txt is a file; expected one sales/YYYY-MM-DD"),
        (["sales/2020-01-01/sales.csv", "sales/2020-01-02.csv"], r"2020-01-02\.csv is a file"),
        (["sales/2020-01-01/sales.csv", "sales/2020-01-02/Sales.csv"], "2020-01-02 contains 'Sales.csv'"),
        (["sales/2020-01-01/sales.csv", "sales/2020-01-02/sales.txt"], "2020-01-02 contains 'sales.txt'"),
        (["sales.csv", "sales/2020-01-01/Sales.csv"], "both exist; expected one file, or one a day"),
    ],
)
def test_what_could_mean_two_things_or_nothing_is_refused(tmp_path, names, reason):
    with pytest.raises(LoadError, match=reason):
        files(tmp_path, *names)


def test_every_day_without_its_sales_is_refused_by_name(tmp_path):
    days = tmp_path / "sales"
    days.joinpath("2020-01-02").mkdir(parents=True)
    days.joinpath("2020-01-03").symlink_to("gone")
    days.joinpath(".DS_Store").touch()  # what a system leaves in a folder is nobody's day

    with pytest.raises(LoadError) as refused:
        files(tmp_path, "sales/2020-01-01/sales.csv")

    assert ".DS_Store" not in str(refused.value)
    assert "2020-01-02 contains nothing; expected one sales/" in str(refused.value)
    assert "2020-01-03 is not a folder" in str(refused.value)


def test_an_empty_folder_of_days_is_refused_alone_and_no_matter_beside_a_file(tmp_path):
    tmp_path.joinpath("sales").mkdir()

    with pytest.raises(LoadError, match="sales: no file found; expected one sales/"):
        files(tmp_path, "labels.csv")
    assert files(tmp_path, "sales.csv")["sales"] == (tmp_path / "sales.csv",)


@pytest.mark.parametrize("closed", [".", "sales", "sales/2020-01-02"])
def test_a_folder_that_may_not_be_listed_is_refused_by_name(tmp_path, monkeypatch, closed):
    whole = Path.iterdir

    def guarded(folder):
        if folder == tmp_path / closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        return whole(folder)

    files(tmp_path, "sales/2020-01-01/sales.csv", "sales/2020-01-02/sales.csv")
    monkeypatch.setattr(Path, "iterdir", guarded)  # root may list any folder

    with pytest.raises(LoadError, match=rf"{tmp_path / closed} cannot be read \(Permission denied\)"):
        csv_finding.find(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LoadError, match="nowhere is not a folder"):
        csv_finding.find(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name",
    [
        "Labels.csv",
        "label.csv.gz",
        "labels.tsv",
        "labels.csv.zip",
        "LABELS.XLSX",
        "labels",
        "sales",
        "labels/2020-01-01/labels.csv",
        "Sales/2020-01-01/sales.csv",
        "customer_activity_2020.parquet",
    ],
)
def test_a_file_that_nothing_reads_is_mentioned(tmp_path, caplog, name):
    files(tmp_path, "stores.csv", name)

    assert f"{name.split('/')[0]} is not used; expected customer_profiles.csv" in caplog.text


def test_the_folder_of_days_and_what_is_named_otherwise_are_not_mentioned(tmp_path, caplog):
    tmp_path.joinpath("sales").mkdir()
    files(tmp_path, "sales.csv", "stores.csv.gz", "readme.txt", "my_labels.txt")

    assert not caplog.text


def test_another_file_beside_the_sales_of_a_day_is_mentioned(tmp_path, caplog):
    files(tmp_path, "sales/2020-01-01/sales.csv", "sales/2020-01-01/Sales.csv")

    assert "Sales.csv is not used; expected one sales/" in caplog.text


def test_a_link_to_nowhere_and_a_folder_are_refused_rather_than_taken_for_missing(tmp_path):
    tmp_path.joinpath("labels.csv").symlink_to("gone")
    tmp_path.joinpath("stores.csv").mkdir()

    for name in ("labels", "stores"):
        with pytest.raises(LoadError, match=rf"{name}\.csv cannot be read"):
            checked(name, csv_finding.find(tmp_path)[name])
