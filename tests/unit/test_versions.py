"""Names, order and pruning of versions; workplaces and the lock."""

import fcntl
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from data_science.errors import ArtifactError
from data_science.storage import layout, versions

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
    assert layout.listed(tmp_path) == sorted([*names, "20261122T111500Z-0a1b2c"], reverse=True)
    assert layout.read_latest(tmp_path) == "20261122T111500Z-0a1b2c"


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_newest_good_versions_stay_and_all_others_go(tmp_path, keep):
    names = [publish(tmp_path) for _ in range(5)]
    bad = names[3]

    names.append(publish(tmp_path, keep, good=lambda path: path.name != bad))

    good = [name for name in reversed(names) if name != bad]
    oldest = good[max(keep, 2) - 1]  # with the one to roll back to
    assert layout.listed(tmp_path) == [name for name in reversed(names) if name >= oldest]
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith((".saving", ".trash"))]


def test_what_latest_names_is_never_removed(tmp_path):
    names = [publish(tmp_path) for _ in range(4)]
    (tmp_path / "LATEST").write_text(names[0])

    versions.prune(tmp_path, 2, lambda _: True)

    assert layout.listed(tmp_path) == [names[3], names[2], names[0]]


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

    assert layout.is_version(tmp_path / name) == is_one


def test_only_folders_with_the_name_of_a_version_are_listed_newest_first(tmp_path):
    names = [f"2026112{day}T101500Z-1f3a9c" for day in range(3)]
    for name in [*names, "20261122T101500Z-XYZXYZ", ".trash-20261122T101500Z-1f3a9c"]:
        (tmp_path / name).mkdir()
    (tmp_path / "20261125T101500Z-1f3a9c").write_text("a file")
    (tmp_path / "20261126T101500Z-1f3a9c").symlink_to(tmp_path / names[0])

    assert layout.listed(tmp_path) == names[::-1]
    assert layout.located(tmp_path, names[1]) == tmp_path / names[1]
    with pytest.raises(ArtifactError, match="is no version here"):
        layout.located(tmp_path, "20261126T101500Z-1f3a9c")
