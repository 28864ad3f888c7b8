"""Large Parquet files are trained on where they are, by DuckDB; so are several by a pattern."""

import json

import pytest

from data_science.cli import command, training_rows
from data_science.examples import clients
from data_science.warehouse import tallying, training

CHECK = ["--formula", "label ~ scd_a + (1 | attr_b)", "--check-only", "--json"]


@pytest.fixture(autouse=True)
def _few_rows_are_many(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tallying, "FEW", 1_000)
    monkeypatch.setattr(training, "FEW", 1_000)
    monkeypatch.setattr(training_rows, "MOST_IN_MEMORY", 2_000)
    frame = clients(3_000)
    frame.to_parquet("all.parquet")
    frame.head(1_400).to_parquet("part-1.parquet")
    frame.tail(1_600).to_parquet("part-2.parquet")
    frame.to_csv("all.csv", index=False)


def _said(capfd, name):
    assert command.main(["train", name, *CHECK]) == 0
    return json.loads(capfd.readouterr().out)


@pytest.mark.parametrize("name", ["all.parquet", "part-*.parquet"])
def test_a_large_file_and_a_pattern_are_checked_like_the_rows_in_memory(name, capfd, monkeypatch):
    expected = _said(capfd, "all.csv")
    monkeypatch.setattr(training_rows.DataFile, "whole", lambda _: pytest.fail("read into memory"))

    assert _said(capfd, name) == expected


def test_a_pattern_without_files_is_refused(capfd):
    assert command.main(["train", "none-*.parquet", *CHECK]) == 3
    assert "none-*.parquet cannot be read as Parquet" in capfd.readouterr().err
