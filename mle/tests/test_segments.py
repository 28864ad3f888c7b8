"""Faults under the log: what was acknowledged is in the folder and lasts; what was refused leaves nothing."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from machine_learning_engineering import segments as module
from machine_learning_engineering.errors import PredictionLogError
from machine_learning_engineering.prediction_log import PredictionLog, shared_log, storage_folder
from machine_learning_engineering.reading import read_predictions
from machine_learning_engineering.records import Prediction
from machine_learning_engineering.segments import SegmentWriter, segments, try_to_store

CALLS = ("open", "write", "fsync", "ftruncate")


class Faults:
    """Lets the n-th of the calls that reach the disk fail, and notes which names were synced."""

    def __init__(self, monkeypatch):
        self.n, self.fail_at, self.error, self.synced = 0, None, None, set()
        for name in CALLS:
            monkeypatch.setattr(os, name, self.watched(name, getattr(os, name)))

    def watched(self, name, real):
        def call(*arguments, **options):
            self.n += 1
            if self.fail_at is not None and self.n >= self.fail_at[0] and self.n < self.fail_at[1]:
                raise self.error
            found = real(*arguments, **options)
            if name == "fsync" and (path := Path(f"/proc/self/fd/{arguments[0]}")).is_dir():
                self.synced |= {entry.name for entry in path.iterdir()}
            return found

        return call


@pytest.mark.parametrize("length", [1, 2, 3, 1_000])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
def test_what_was_acknowledged_is_in_a_file_of_a_synced_folder_whatever_fails(
    tmp_path, monkeypatch, code, length
):
    for first in range(1, 14):
        folder = tmp_path / f"{code}-{length}-{first}"
        writer = SegmentWriter(folder, segment_bytes=4)
        acknowledged = []
        with monkeypatch.context() as patched:
            faults = Faults(patched)
            faults.fail_at, faults.error = (first, first + length), OSError(code, os.strerror(code))
            for number in range(6):
                try:
                    writer.append(b"%d\n" % number)
                except OSError:
                    continue
                acknowledged.append(number)
                assert writer.path.name in faults.synced
        writer.close()

        found = [int(line) for path in segments(folder) for line in path.read_text().splitlines()]
        assert [number for number in found if number in acknowledged] == acknowledged
        if length == 1:
            assert found == acknowledged


def test_a_full_disk_leaves_no_empty_segments(tmp_path, monkeypatch):
    with PredictionLog(tmp_path) as log:
        with monkeypatch.context() as patched:

            def write(*_):
                raise OSError(errno.ENOSPC, "No space left on device")

            patched.setattr(os, "write", write)
            for idx in range(20):
                with pytest.raises(PredictionLogError, match="No space left"):
                    log.append(Prediction(idx, 0, {}))
        assert segments(tmp_path) == []
        log.append(Prediction(7, 0, {}))

    assert [made.idx for made in read_predictions(tmp_path).predictions] == [7]


UNKNOWN = [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS]


def fsync_of_folders_fails(monkeypatch, code, files_too=False):
    real = os.fsync

    def fsync(descriptor):
        if files_too or Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(code, os.strerror(code))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("code", UNKNOWN, ids=errno.errorcode.get)
def test_a_system_that_knows_no_sync_of_folders_stores_predictions_all_the_same(tmp_path, monkeypatch, code):
    fsync_of_folders_fails(monkeypatch, code)

    try_to_store(tmp_path / "log")
    with PredictionLog(tmp_path / "log") as log:
        log.append(Prediction(7, 0, {}))
    module.replace_file(tmp_path / "log" / "reference.json", b"{}")

    assert len(read_predictions(tmp_path / "log").predictions) == 1


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, *UNKNOWN], ids=errno.errorcode.get)
def test_the_trial_meets_what_the_first_prediction_would_meet(tmp_path, monkeypatch, code):
    fsync_of_folders_fails(monkeypatch, code, files_too=True)

    with pytest.raises(OSError, match=os.strerror(code)):
        try_to_store(tmp_path / "log")
    with PredictionLog(tmp_path / "log") as log, pytest.raises(PredictionLogError, match=os.strerror(code)):
        log.append(Prediction(7, 0, {}))


def moved_file(folder):
    segments(folder)[0].rename(folder.parent / "archived.jsonl")


def moved_out_of_sight(folder):
    segments(folder)[0].rename(folder / "archived.jsonl.1")


def moved_folder(folder):
    folder.rename(folder.parent / "archived")


def removed_folder(folder):
    shutil.rmtree(folder)


def replaced_by_a_copy(folder):
    path = segments(folder)[0]
    shutil.copy(path, folder / "copy")
    (folder / "copy").replace(path)


@pytest.mark.parametrize(
    "take_away",
    [moved_file, moved_out_of_sight, moved_folder, removed_folder, replaced_by_a_copy],
    ids=lambda action: action.__name__,
)
def test_what_is_acknowledged_after_an_operator_took_the_segment_away_is_in_the_folder(tmp_path, take_away):
    folder = tmp_path / "log"
    with PredictionLog(folder) as log:
        log.append(Prediction(1, 0, {}))
        take_away(folder)
        log.append(Prediction(2, 0, {}))
        log.append(Prediction(3, 0, {}))

        assert [made.idx for made in read_predictions(folder).predictions][-2:] == [2, 3]


def test_after_reopen_the_next_record_begins_a_segment(tmp_path):
    with PredictionLog(tmp_path) as log:
        for idx in (1, 2):
            log.append(Prediction(idx, 0, {}))
        log.reopen()
        for idx in (3, 4):
            log.append(Prediction(idx, 0, {}))

    assert [path.read_bytes().count(b"\n") for path in segments(tmp_path)] == [2, 2]


def test_a_tilde_is_the_home_folder_wherever_a_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MLE_STORAGE", "~/mine")
    monkeypatch.chdir(tmp_path)

    assert storage_folder() == tmp_path / "mine"
    shared_log().append(Prediction(7, 0, {}))
    shared_log().close()

    assert len(read_predictions("~/mine").predictions) == 1
    assert not (tmp_path / "~").exists()


def test_a_home_that_is_not_known_is_named(monkeypatch):
    monkeypatch.setenv("MLE_STORAGE", "~nobody-of-this-name/log")

    with pytest.raises(PredictionLogError, match="'~nobody-of-this-name/log' names a home folder"):
        storage_folder()
