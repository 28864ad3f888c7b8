"""Which version of a folder is loaded, and what is said where it is not the newest."""

import logging
import shutil

import pytest
from saved_models import save
from serving_cases import ROW

from data_science.errors import ArtifactError
from data_science.storage.artifact import load


@pytest.mark.parametrize(
    "text",
    ["../elsewhere", "/etc", "", "..", "20991122T101500Z-ffffff", "a" * 1000, "20261122T101500Z-zzzzzz\n\n"],
)
def test_a_latest_that_names_no_version_here_is_refused_and_the_newest_good_one_used(
    models, newest, text, caplog
):
    (models / "LATEST").write_text(text)

    with caplog.at_level(logging.WARNING):
        loaded = load(models)

    assert loaded.path == newest
    assert "LATEST" in loaded.fallback
    assert f"fell back to version {newest.name}" in caplog.text


@pytest.mark.parametrize("damage", ["missing", "link", "folder"])
def test_without_a_usable_latest_the_newest_good_version_is_used(models, newest, damage, caplog):
    (models / "LATEST").unlink()
    if damage == "link":
        (models / "LATEST").symlink_to("/etc/hostname")
    elif damage == "folder":
        (models / "LATEST").mkdir()

    assert load(models).path == newest
    assert "fell back to version" in caplog.text


def test_a_damaged_newest_version_gives_the_older_one_with_a_warning_that_says_so(models, newest, caplog):
    (newest / "predictor.json").write_bytes(b"{}")

    loaded = load(models)

    assert loaded.path != newest
    assert f"fell back to version {loaded.path.name}: {newest / 'predictor.json'} has 2 bytes" in caplog.text


def test_a_fallback_says_which_versions_it_passed_over(models, newest):
    (models / "LATEST").unlink()
    (newest / "predictor.json").write_bytes(b"{}")

    fallback = load(models).fallback

    assert "LATEST is missing" in fallback
    assert f"skipped version {newest.name}: {newest / 'predictor.json'} has 2 bytes" in fallback


def test_a_linked_version_is_refused(models, newest, tmp_path):
    shutil.move(newest, tmp_path / "moved")
    newest.symlink_to(tmp_path / "moved")

    assert load(models).path != newest


def test_if_no_version_is_good_the_error_names_the_file_and_the_remedy(models):
    for version in models.glob("2*"):
        (version / "draws.npz").unlink()

    with pytest.raises(ArtifactError, match=r"draws.npz is missing. Restore .*No other good version"):
        load(models)


@pytest.mark.parametrize("there", [False, True], ids=["no folder", "an empty folder"])
def test_a_folder_without_models_says_so(tmp_path, there):
    folder = tmp_path / "models"
    if there:
        folder.mkdir()

    with pytest.raises(ArtifactError, match=r"models.*Train (one|a model) first"):
        load(folder)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "models").write_text("")

    with pytest.raises(ArtifactError, match="models"):
        load(tmp_path / "models")
    with pytest.raises(ArtifactError, match="could not be written"):
        save(tmp_path / "models")


def test_a_folder_of_versions_gives_the_newest_and_a_version_gives_itself(models, newest):
    assert load(models).path == newest
    assert [load(path).path for path in sorted(models.glob("2*"))] == sorted(models.glob("2*"))
    assert load(str(models)).path == newest


def test_a_version_can_be_copied_elsewhere_under_another_name(models, newest, tmp_path):
    copy = shutil.copytree(newest, tmp_path / "deployed")

    assert load(copy).predictor.predict_one(ROW) in (0, 1)
