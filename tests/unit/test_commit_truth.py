"""Whatever fails while a version is stored, the words and what is served agree: all of it, or nothing."""

import errno
import logging
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from serving_cases import predictor

from data_science.errors import ArtifactError
from data_science.storage import artifact, layout

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
CALLS = ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "scandir", "link")
FAULTS = (errno.ENOSPC, errno.EXDEV)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # thousands of saves; faults are put around it


def save(folder, seed=1, keep=1):
    return artifact.save(
        folder, predictor=predictor(seed=seed), diagnostics={}, model_card="", writers={},
        provenance={}, now=NOW, keep=keep,
    )  # fmt: skip


class Faulty:
    """Lets the n-th of the calls that change a disk fail, and all after it if ``lasting``."""

    def __init__(self, monkeypatch, fail_at=None, error=None, lasting=False):
        self.calls, self.fail_at, self.error, self.lasting = [], fail_at, error, lasting
        for name in CALLS:
            monkeypatch.setattr(os, name, self.watched(name, getattr(os, name)))

    def watched(self, name, real):
        def call(*arguments, **options):
            self.calls.append(name)
            place = len(self.calls) - 1
            if self.fail_at is not None and (
                place == self.fail_at or (self.lasting and place > self.fail_at)
            ):
                raise self.error
            return real(*arguments, **options)

        return call


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


def n_calls(folder, monkeypatch):
    with monkeypatch.context() as patched:
        save(folder, seed=0)
        faulty = Faulty(patched)
        save(folder, seed=1)
    return len(faulty.calls)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("code", FAULTS, ids=errno.errorcode.get)
def test_a_save_raises_if_and_only_if_the_old_model_is_still_served(folder, monkeypatch, code, lasting):
    n = n_calls(folder, monkeypatch)
    outcomes = set()
    for fail_at in range(n + 1):
        shutil.rmtree(folder)
        before = save(folder, seed=1).name
        with monkeypatch.context() as patched:
            Faulty(patched, fail_at, OSError(code, os.strerror(code), "somewhere"), lasting)
            try:
                save(folder, seed=2)
                raised = None
            except ArtifactError as error:
                raised = error
        served = artifact.load(folder).path.name

        assert (raised is not None) == (served == before), (fail_at, raised)
        if raised is not None and "nothing was saved" in str(raised):
            assert layout.listed(folder) == [before], (fail_at, raised)
        outcomes.add(raised is None)
    assert outcomes == {True, False}


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError])
def test_a_stop_at_any_moment_leaves_the_old_model_or_the_new_one_whole(folder, monkeypatch, stop):
    n = n_calls(folder, monkeypatch)
    for fail_at in range(n + 1):
        shutil.rmtree(folder)
        before = save(folder, seed=1).name
        with monkeypatch.context() as patched:
            Faulty(patched, fail_at, stop())
            try:
                path = save(folder, seed=2)
            except stop:
                path = None
        loaded = artifact.load(folder)

        assert loaded.fallback is None
        if path is not None:
            assert loaded.path == path
        assert set(layout.listed(folder)) <= {before, loaded.path.name}


def test_an_interrupt_after_latest_was_replaced_does_not_take_the_version_back(folder, monkeypatch):
    save(folder, seed=1)
    real = Path.replace

    def replaced_then_stopped(self, target):
        real(self, target)
        if Path(target).name == "LATEST":  # other files of the registry are replaced before and after it
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replaced_then_stopped)
        path = save(folder, seed=2)

    assert artifact.load(folder).path == path


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM, errno.EROFS])
def test_old_versions_that_cannot_be_removed_are_a_warning(folder, monkeypatch, caplog, code):
    old = save(folder, seed=1)
    save(folder, seed=2)
    real = Path.rename

    def rename(self, target):
        if self == old:
            raise OSError(code, os.strerror(code), str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with caplog.at_level(logging.WARNING):
        new = save(folder, seed=3)

    assert artifact.load(folder).path == new
    assert f"version {new.name} is stored and is the newest" in caplog.text
    assert os.strerror(code) in caplog.text


def test_a_version_that_cannot_be_taken_back_is_named_with_what_is_served(folder, monkeypatch):
    save(folder, seed=1)

    def fail(*_):
        raise OSError(errno.EPERM, "no", str(folder))

    real = Path.rename
    monkeypatch.setattr(Path, "replace", fail)
    monkeypatch.setattr(
        Path, "rename", lambda self, to: fail() if to.name.startswith(".saving") else real(self, to)
    )

    with pytest.raises(
        ArtifactError, match=r"could not be removed again .*The version served before is still served"
    ) as raised:
        save(folder, seed=2)
    assert "nothing was saved" not in str(raised.value)


UNKNOWN = [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS]


@pytest.fixture
def folders_that_cannot_be_synced(monkeypatch):
    real = os.fsync

    def make(code):
        def fsync(descriptor):
            if Path(f"/proc/self/fd/{descriptor}").is_dir():
                raise OSError(code, os.strerror(code))
            real(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)

    return make


@pytest.mark.parametrize("code", UNKNOWN, ids=errno.errorcode.get)
def test_a_system_that_knows_no_sync_of_folders_stores_models_all_the_same(
    folder, code, folders_that_cannot_be_synced
):
    folders_that_cannot_be_synced(code)

    assert artifact.load(folder if save(folder) else None).fallback is None


@pytest.mark.parametrize("code", UNKNOWN, ids=errno.errorcode.get)
def test_a_file_whose_sync_fails_so_is_not_taken_as_stored(folder, monkeypatch, code):
    def fsync(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)

    with pytest.raises(ArtifactError, match="nothing was saved"):
        save(folder)


@pytest.mark.parametrize(
    "stamp",
    ["99999999T999999Z", "20270230T000000Z", "20271301T000000Z", "99991231T235959Z", "00000000T000000Z"],
)
def test_a_folder_with_a_name_like_a_version_but_no_such_time_stops_no_save(folder, stamp):
    (folder / f"{stamp}-0a1b2c").mkdir(parents=True)

    first, second = save(folder, 1, keep=5), save(folder, 2, keep=5)

    assert (first.name[:16], second.name[:16]) == ("20261122T101500Z", "20261122T101501Z")
    assert artifact.load(folder).path == second
