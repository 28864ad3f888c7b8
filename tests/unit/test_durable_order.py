"""A power cut at any moment leaves `LATEST` naming a whole version: everything is synced before it counts."""

from datetime import UTC, datetime

import pytest
from serving_cases import predictor

from data_science.storage import artifact, layout
from data_science.storage.version_files import sync, write_durably
from data_science.storage.writing import require_writable
from mle.tests.power_cut import Disk, present

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


def save(folder, **changes):
    stored = {
        "predictor": predictor(),
        "diagnostics": {"rhat_max": 1.001},
        "model_card": "# A model\n",
        "writers": {"posterior.nc": lambda path: path.write_bytes(b"not synced by its writer")},
        "provenance": {},
        "now": NOW,
    }
    return artifact.save(folder, **stored | changes)


def under(files, name):
    return {
        file.removeprefix(f"{name}/"): held for file, held in files.items() if file.startswith(f"{name}/")
    }


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def test_a_version_is_on_disk_whole_before_it_gets_its_name(disk, tmp_path):
    path = save(tmp_path / "models")

    version = disk.moves[0]
    assert version.target == path
    assert version.lasting == present(path)


def test_latest_is_replaced_only_after_the_version_lasts_under_its_name(disk, tmp_path):
    path = save(tmp_path / "models")

    *_, latest = disk.moves
    assert latest.target == path.parent / "LATEST"
    assert latest.lasting == {"": f"{path.name}\n".encode()}
    assert under(latest.beside, path.name) == present(path)


def test_when_save_returns_the_new_model_survives_a_power_cut(disk, tmp_path):
    save(tmp_path / "models")
    path = save(tmp_path / "models")

    left = disk.lasting(path.parent)
    assert left["LATEST"] == f"{path.name}\n".encode()
    assert under(left, path.name) == present(path)


@pytest.mark.parametrize(
    "asked_before", [False, True], ids=["by save", "when it was asked whether it is writable"]
)
def test_a_folder_of_models_that_was_made_lasts_under_its_name_and_so_do_those_above(
    disk, tmp_path, asked_before
):
    folder = tmp_path / "srv" / "models"
    if asked_before:
        require_writable(folder)

    path = save(folder)

    left = disk.lasting(tmp_path)
    assert left["srv/models/LATEST"] == f"{path.name}\n".encode()
    assert under(left, f"srv/models/{path.name}") == present(path)


def test_a_version_that_cannot_be_loaded_is_not_published(monkeypatch, tmp_path):
    good = save(tmp_path / "models")
    before = sorted(good.parent.iterdir())
    monkeypatch.setattr(artifact.form, "to_npz", lambda _: b"no draws")

    with pytest.raises(artifact.ArtifactError, match=r"draws\.npz"):
        save(good.parent)

    assert sorted(good.parent.iterdir()) == before
    assert layout.read_latest(good.parent) == good.name


def test_what_is_written_durably_lasts_with_its_content_and_replaces_nothing(disk, tmp_path):
    write_durably(tmp_path / "new", b"content")

    assert disk.lasting(tmp_path / "new") == {"": b"content"}
    with pytest.raises(FileExistsError):
        write_durably(tmp_path / "new", b"other")


def test_syncing_a_folder_makes_its_names_last(disk, tmp_path):
    write_durably(tmp_path / "new", b"content")
    assert disk.lasting(tmp_path) == {}

    sync(tmp_path)

    assert disk.lasting(tmp_path) == {"new": b"content"}
