"""What was taken of the database is read back as it was, and the database is not asked again."""

from pathlib import Path

import pandas as pd
import pytest

from book import snapshot
from data_science.data.provenance import Provenance
from data_science.settings import Settings
from data_science.sources.postgres import feature_store
from de import source_tables

SETTINGS = Settings(wait_timeout_s=7)
TABLES = (*source_tables.TABLES, "monthly_sales")


@pytest.fixture
def asked(monkeypatch):
    """A database, and what it is asked for."""
    seen = []

    def reader(name):
        def read(database, wait_timeout_s):
            seen.append((name, database, wait_timeout_s))
            table = pd.DataFrame({"made of": [name]})
            table.attrs["comment"] = f"comment on {name}"
            return table

        return read

    def features(database, wait_timeout_s):
        return reader("feature_store")(database, wait_timeout_s), Provenance()

    assert set(snapshot.READERS) == set(TABLES)
    monkeypatch.setattr(snapshot, "READERS", {name: reader(name) for name in TABLES})
    monkeypatch.setattr(feature_store, "get_dataset_and_provenance", features)
    return seen


def test_without_a_snapshot_the_database_of_the_settings_is_read(asked):
    frame, stated = snapshot.features(SETTINGS)
    sales = snapshot.read(SETTINGS, "sales")

    assert frame["made of"].tolist() == ["feature_store"]
    assert isinstance(stated, Provenance)
    assert sales["made of"].tolist() == ["sales"]
    assert asked == [(name, SETTINGS.database, 7) for name in ("feature_store", "sales")]


def test_every_table_is_taken_once_and_read_back_with_its_comment(asked, tmp_path):
    folder = tmp_path / "new" / "snapshot"

    snapshot.take(SETTINGS, folder)

    assert [name for name, *_ in asked] == ["feature_store", *TABLES]
    asked.clear()
    frame, stated = snapshot.features(SETTINGS, folder)
    assert frame["made of"].tolist() == ["feature_store"]
    assert stated == Provenance()
    for name in TABLES:
        table = snapshot.read(SETTINGS, name, folder)
        assert table["made of"].tolist() == [name]
        assert table.attrs["comment"] == f"comment on {name}"
    assert asked == []


def test_a_snapshot_is_not_written_over_another(asked, tmp_path):
    with pytest.raises(FileExistsError):
        snapshot.take(SETTINGS, Path(tmp_path))

    assert asked == []
