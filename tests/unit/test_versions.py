"""Names, order and pruning of versions; which version is read while others are published and pruned."""

import fcntl
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from serving_cases import predictor

from data_science.errors import ArtifactError
from data_science.storage import artifact, manifest, version_files, versions

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


def publish(folder, keep=100, good=lambda _: True, now=NOW, suffix="0a1b2c"):
    folder.mkdir(exist_ok=True)
    finished = []
    with versions.workplace(folder) as work:
        (work / "file").write_text(suffix)
        path = versions.publish(work, folder, suffix, now, finished.append, keep, good)
    assert finished == [path.name]
    return path.name


def test_a_name_is_the_time_of_saving_and_the_digest_and_later_than_all_before(tmp_path):
    names = [publish(tmp_path, now=NOW - timedelta(days=day)) for day in range(3)]

    assert names == ["20261122T101500Z-0a1b2c", "20261122T101501Z-0a1b2c", "20261122T101502Z-0a1b2c"]
    assert publish(tmp_path, now=NOW + timedelta(hours=1)) == "20261122T111500Z-0a1b2c"
    assert versions.listed(tmp_path) == sorted([*names, "20261122T111500Z-0a1b2c"], reverse=True)
    assert versions.read_latest(tmp_path) == "20261122T111500Z-0a1b2c"


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_newest_good_versions_stay_and_all_others_go(tmp_path, keep):
    names = [publish(tmp_path) for _ in range(5)]
    bad = names[3]

    names.append(publish(tmp_path, keep, good=lambda path: path.name != bad))

    good = [name for name in reversed(names) if name != bad]
    oldest = good[keep - 1]
    assert versions.listed(tmp_path) == [name for name in reversed(names) if name >= oldest]
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith((".saving", ".trash"))]


def test_what_latest_names_is_never_removed(tmp_path):
    names = [publish(tmp_path) for _ in range(4)]
    (tmp_path / "LATEST").write_text(names[0])

    versions._prune(tmp_path, 2, lambda _: True)

    assert versions.listed(tmp_path) == [names[3], names[2], names[0]]


def test_a_workplace_is_gone_unless_it_was_published(tmp_path):
    with versions.workplace(tmp_path) as work:
        assert work.parent == tmp_path
        assert work.name.startswith(".saving-")
    with suppress(ZeroDivisionError), versions.workplace(tmp_path):
        raise ZeroDivisionError

    assert [entry.name for entry in tmp_path.iterdir()] == [".lock"]


def test_a_living_writers_workplace_is_left_alone_and_a_dead_ones_is_swept_away(tmp_path):
    dead, file, trash = tmp_path / ".saving-dead", tmp_path / ".saving-file", tmp_path / ".trash-old"
    dead.mkdir()
    (dead / "half").write_text("")
    file.write_text("")
    trash.mkdir()

    with versions.workplace(tmp_path) as living, versions.workplace(tmp_path) as other:
        assert living.is_dir()
        assert living != other
        for swept in (dead, file, trash):
            assert not swept.exists()


def test_a_link_that_looks_like_a_workplace_is_removed_and_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("")
    models = tmp_path / "models"
    models.mkdir()
    (models / ".saving-link").symlink_to(elsewhere)

    with versions.workplace(models):
        assert not os.path.lexists(models / ".saving-link")

    assert (elsewhere / "kept").exists()


def is_locked(folder):
    with (folder / ".lock").open("ab") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_only_one_process_changes_the_folder_at_a_time(tmp_path):
    assert not is_locked(tmp_path)

    with versions.locked(tmp_path):
        assert is_locked(tmp_path)

    assert not is_locked(tmp_path)


def test_publishing_holds_the_lock_until_what_is_old_is_gone(tmp_path, monkeypatch):
    held = []

    def probe(*_):
        held.append(is_locked(tmp_path))
        return True

    publish(tmp_path)
    publish(tmp_path, good=probe)

    assert held == [True, True]


@pytest.mark.parametrize(
    ("name", "manifest_there", "is_one"),
    [
        ("20261122T101500Z-1f3a9c", False, True),
        ("20261122T101500Z-1f3a9", False, False),
        ("models", True, True),
        ("models", False, False),
    ],
)
def test_a_version_is_told_from_a_folder_of_versions_by_name_or_manifest(
    tmp_path, name, manifest_there, is_one
):
    (tmp_path / name).mkdir()
    if manifest_there:
        (tmp_path / name / "manifest.json").symlink_to("nowhere")

    assert versions.is_version(tmp_path / name) == is_one


def test_only_folders_with_the_name_of_a_version_are_listed_newest_first(tmp_path):
    names = [f"2026112{day}T101500Z-1f3a9c" for day in range(3)]
    for name in [*names, "20261122T101500Z-XYZXYZ", ".trash-20261122T101500Z-1f3a9c"]:
        (tmp_path / name).mkdir()
    (tmp_path / "20261125T101500Z-1f3a9c").write_text("a file")
    (tmp_path / "20261126T101500Z-1f3a9c").symlink_to(tmp_path / names[0])

    assert versions.listed(tmp_path) == names[::-1]
    assert versions.located(tmp_path, names[1]) == tmp_path / names[1]
    with pytest.raises(ArtifactError, match="is not a folder here"):
        versions.located(tmp_path, "20261126T101500Z-1f3a9c")


@pytest.mark.parametrize("n_bytes", [200, 201])
def test_latest_is_read_up_to_a_limit(tmp_path, n_bytes):
    (tmp_path / "LATEST").write_text("a" * n_bytes)

    with pytest.raises(
        ArtifactError, match="expected at most 200" if n_bytes > 200 else "expected the name of"
    ):
        versions.read_latest(tmp_path)


def test_a_file_is_read_up_to_its_limit_and_no_further(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")

    assert version_files.read_small(tmp_path / "file", 5) == b"12345"
    with pytest.raises(ArtifactError, match="has 5 bytes; expected at most 4"):
        version_files.read_small(tmp_path / "file", 4)


def test_large_files_are_checked_in_pieces_and_kept_only_if_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(version_files, "SMALL", 3)
    (tmp_path / "file").write_bytes(b"12345678")
    described = version_files.describe_files(tmp_path, ["file"])["file"]

    assert described["bytes"] == 8
    assert version_files.read_checked(tmp_path / "file", 8, described["sha256"]) == b"12345678"
    assert version_files.read_checked(tmp_path / "file", 8, described["sha256"], keep=False) == b""
    with pytest.raises(ArtifactError, match="was changed after training"):
        version_files.read_checked(tmp_path / "file", 8, "0" * 64, keep=False)


@pytest.mark.parametrize(
    "files",
    [
        {"": {"bytes": 1, "sha256": ""}},
        {".": {"bytes": 1, "sha256": ""}},
        {"..": {"bytes": 1, "sha256": ""}},
        {"a/b": {"bytes": 1, "sha256": ""}},
        {"a\\b": {"bytes": 1, "sha256": ""}},
        {"a\0b": {"bytes": 1, "sha256": ""}},
        {"more": {"bytes": True, "sha256": ""}},
        {"more": {"bytes": 1.0, "sha256": ""}},
        {"more": {"bytes": 1, "sha256": 1}},
        {"more": [1, ""]},
    ],
    ids=repr,
)
def test_a_manifest_describes_plain_files_by_size_and_digest(files):
    required = {name: {"bytes": 1, "sha256": ""} for name in manifest.REQUIRED}

    assert manifest._describes_files(required | {"more": {"bytes": 2, "sha256": "x"}})
    assert not manifest._describes_files(required | files)


@pytest.mark.parametrize("missing", sorted(manifest.REQUIRED))
def test_a_manifest_describes_all_that_is_required(missing):
    named = {name: {"bytes": 1, "sha256": ""} for name in manifest.REQUIRED if name != missing}

    assert not manifest._describes_files(named)


def save(folder, seed=1, now=NOW):
    return artifact.save(
        folder, predictor=predictor(seed=seed), diagnostics={}, model_card="", writers={},
        provenance={}, now=now,
    )  # fmt: skip


def damage(version):
    (version / "draws.npz").write_bytes(b"")


def test_a_reader_that_is_overtaken_follows_latest(tmp_path, monkeypatch):
    opened, real = [], artifact._open

    def overtaken(version):
        opened.append(version.name)
        if len(opened) == 1:  # while it is read, a newer one is published and this one pruned
            newer = save(tmp_path, now=NOW + timedelta(days=1))
            opened.clear()
            opened.append(newer.name)
            raise ArtifactError("gone")
        return real(version)

    save(tmp_path)
    monkeypatch.setattr(artifact, "_open", overtaken)
    loaded = artifact.load(tmp_path)

    assert loaded.path.name == versions.read_latest(tmp_path)
    assert loaded.fallback is None


def test_a_reader_that_is_always_overtaken_gives_up_after_twenty_attempts(tmp_path, monkeypatch):
    save(tmp_path)
    attempts = []
    monkeypatch.setattr(artifact, "_moved_on", lambda *_: True)
    monkeypatch.setattr(artifact, "_open", lambda version: attempts.append(version) or refuse())

    with pytest.raises(ArtifactError, match="LATEST changed 20 times while it was read"):
        artifact.load(tmp_path)
    assert len(attempts) == 20


def refuse():
    raise ArtifactError("gone")


def test_a_fallback_is_to_an_older_version_before_a_newer_one_and_warns(tmp_path, caplog):
    paths = [save(tmp_path, seed) for seed in range(4)]
    (tmp_path / "LATEST").write_text(paths[2].name)
    damage(paths[2])

    with caplog.at_level(logging.WARNING):
        assert artifact.load(tmp_path).path == paths[1]
    assert f"fell back to version {paths[1].name}" in caplog.text

    for path in paths[:2]:
        damage(path)
    loaded = artifact.load(tmp_path)
    assert loaded.path == paths[3]
    for path in paths[:2]:
        assert f"skipped version {path.name}" in loaded.fallback
    assert f"skipped version {paths[2].name}" not in loaded.fallback


def test_a_manifest_records_when_with_what_and_how_the_version_was_made(tmp_path):
    path = artifact.save(
        tmp_path, predictor=predictor(), diagnostics={"a": 1}, model_card="card", writers={},
        provenance={"seed": 7}, now=NOW.astimezone(None) + timedelta(microseconds=5),
    )  # fmt: skip

    recorded = artifact.load(path).manifest
    assert recorded["format"] == 1
    assert recorded["saved_at"] == "2026-11-22T10:15:00+00:00"
    assert recorded["provenance"] == {"seed": 7}
    assert recorded["version"] == path.name
    assert set(recorded["packages"]) >= {"python", "data_science", "numpy", "pandas"}
    assert set(recorded["files"]) == {"predictor.json", "draws.npz", "diagnostics.json", "model_card.md"}
    assert Path(path, "model_card.md").read_text() == "card"
    assert path.name[:17] == "20261122T101500Z-"
    assert path.name.removeprefix(path.name[:17]) == recorded["files"]["predictor.json"]["sha256"][:6]


def test_five_versions_are_kept_unless_another_number_is_asked_for(tmp_path):
    for seed in range(6):
        save(tmp_path, seed)

    assert len(versions.listed(tmp_path)) == 5
