import asyncio
import os
import resource
import subprocess
import sys
import threading
from datetime import UTC, datetime
from itertools import permutations

import pytest
from machine_learning_engineering.errors import PredictionLogError
from machine_learning_engineering.prediction_log import PredictionLog, shared_log, storage_folder
from machine_learning_engineering.reading import SkippedLine, read_predictions, scan
from machine_learning_engineering.records import Prediction, encode, lines, open_text, place_of
from machine_learning_engineering.segments import segments

FEATURES = {"attr_a": 1, "attr_b": "ç", "scd_a": 0.55, "scd_b": 3}


def prediction(idx, **changes):
    return Prediction(idx, 0, FEATURES, 0.091, "v1", datetime(2026, 11, 22, 10, 15, tzinfo=UTC), **changes)


@pytest.fixture
def log(tmp_path):
    with PredictionLog(tmp_path / "log") as opened:
        yield opened


def test_what_was_appended_is_read_back_equal(log):
    log.append(prediction(7))

    assert read_predictions(log.folder).predictions == (prediction(7),)


def test_a_folder_that_does_not_exist_is_an_empty_log(tmp_path):
    assert read_predictions(tmp_path / "none").predictions == ()


def test_records_of_many_threads_are_all_there_once(log):
    def append(first):
        for idx in range(first, first + 50):
            log.append(prediction(idx))

    threads = [threading.Thread(target=append, args=(50 * thread,)) for thread in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made.idx for made in read_predictions(log.folder).predictions) == list(range(800))


def test_awaited_records_are_on_disk_and_share_their_syncs(log):
    async def append_all():
        await asyncio.gather(*(log.append_async(prediction(idx)) for idx in range(500)))
        return read_predictions(log.folder)

    reading = asyncio.run(append_all())

    assert [made.idx for made in reading.predictions] == list(range(500))


def test_nothing_is_acknowledged_before_fsync_and_one_fsync_serves_all_who_wait(log, monkeypatch):
    # A power cut cannot be tried here: fsync is replaced by one that counts and waits to be released.
    entered, released, synced = threading.Event(), threading.Event(), []

    def held_fsync(descriptor):
        entered.set()
        assert released.wait(10)
        synced.append(descriptor)

    log.append(prediction(0))  # the segment exists
    monkeypatch.setattr(os, "fsync", held_fsync)
    threads = [threading.Thread(target=log.append, args=(prediction(1),))]
    threads[0].start()
    assert entered.wait(10)
    threads += [threading.Thread(target=log.append, args=(prediction(idx),)) for idx in range(2, 20)]
    for thread in threads[1:]:
        thread.start()
    threads[0].join(0.1)

    assert all(thread.is_alive() for thread in threads)
    released.set()
    for thread in threads:
        thread.join(10)
    assert len(synced) == 2
    assert len(read_predictions(log.folder).predictions) == 20


def test_a_cancelled_request_disturbs_no_other(log):
    async def cancel_one_of_two():
        tasks = [asyncio.create_task(log.append_async(prediction(idx))) for idx in range(2)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    cancelled, stored = asyncio.run(cancel_one_of_two())

    assert isinstance(cancelled, asyncio.CancelledError)
    assert stored is None
    assert 1 in {made.idx for made in read_predictions(log.folder).predictions}


def test_segments_rotate_by_size_and_keep_their_order(tmp_path):
    with PredictionLog(tmp_path, segment_bytes=3 * len(encode(prediction(0)))) as log:
        for idx in range(10):
            log.append(prediction(idx))

    assert len(segments(tmp_path)) == 4
    assert [made.idx for made in read_predictions(tmp_path).predictions] == list(range(10))


def test_a_segment_has_64_mib_unless_another_size_is_asked_for(tmp_path):
    with PredictionLog(tmp_path) as log:
        assert log.segment_bytes == 64 * 1024 * 1024


def test_a_line_torn_at_any_byte_is_skipped_and_reported_and_the_rest_is_read(tmp_path):
    whole = encode(prediction(0))
    path = tmp_path / "predictions-0.jsonl"
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut])

        first, torn = scan(tmp_path)

        assert first == prediction(0)
        assert isinstance(torn, SkippedLine)
        assert (torn.path, torn.line) == (path, 2)
        assert "torn" in str(torn)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\0" * 40 + b"\n", "damaged"),
        (b"[]\n", "expected a record of format 1"),
        (b'{"format":2}\n', "expected a record of format 1"),
        (b'{"format":3}\n', "expected a record of format 1"),
        (b'{"format":1}\n', "has no 'idx'"),
        (b"\xff\xfe\n", "damaged"),
    ],
    ids=[
        "zeros after a power cut",
        "not a record",
        "of a request without its ids",
        "from the future",
        "incomplete",
        "not text",
    ],
)
def test_a_damaged_line_is_reported_with_its_reason_and_hides_no_other(line, reason, tmp_path):
    (tmp_path / "predictions-0.jsonl").write_bytes(encode(prediction(0)) + line + encode(prediction(2)))

    before, damaged, after = scan(tmp_path)

    assert (before.idx, after.idx) == (0, 2)
    assert reason in str(damaged)


def test_lines_taken_away_moved_or_repeated_are_reported_and_the_rest_is_read(tmp_path):
    whole = lines(map(open_text, map(prediction, range(4))), 0).splitlines(keepends=True)
    path = tmp_path / "predictions-0.jsonl"
    orders = [kept for n in range(1, 5) for kept in permutations(range(4), n)] + [(0, 1, 1, 2, 3)]
    for kept in orders:
        path.write_bytes(b"".join(whole[line] for line in kept))

        reading = read_predictions(tmp_path)

        assert [made.idx for made in reading.predictions] == list(kept)
        as_begun = kept == tuple(range(len(kept)))  # the last lines of a file may be missing unnoticed
        assert (reading.skipped == ()) == as_begun, kept
    path.write_bytes(whole[0] + whole[3])
    (missing,) = read_predictions(tmp_path).skipped
    assert "line 2: missing before it: lines 2 to 3 of this segment" in str(missing)


def test_places_are_asked_only_where_they_are_known(tmp_path):
    earlier = [encode(prediction(idx)) for idx in range(3)]  # without a place
    later = lines(map(open_text, map(prediction, range(3))), 0).splitlines(keepends=True)
    together = [*later, *earlier, later[0], later[1], later[2][:9] + b"\n", *later]
    (tmp_path / "predictions-0.jsonl").write_bytes(b"".join(together))

    reading = read_predictions(tmp_path)

    assert len(reading.predictions) == len(together) - 1
    assert [one.line for one in reading.skipped] == [9]


def test_the_lines_of_every_segment_have_their_places(tmp_path):
    with PredictionLog(tmp_path, segment_bytes=400) as log:
        for idx in range(8):
            log.append(prediction(idx))

    for path in segments(tmp_path):
        found = path.read_bytes().splitlines(keepends=True)
        assert [place_of(line) for line in found] == list(range(1, len(found) + 1))
    assert len(segments(tmp_path)) > 2
    assert read_predictions(tmp_path).skipped == ()


def test_a_record_that_does_not_fit_is_refused_leaves_no_torn_line_and_the_next_is_stored(log):
    log.append(prediction(0))
    size = segments(log.folder)[0].stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))  # the next write stops part way
    try:
        with pytest.raises(PredictionLogError, match=r"not stored in .*log: File too large.*MLE_STORAGE"):
            log.append(prediction(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.append(prediction(2))

    reading = read_predictions(log.folder)
    assert [made.idx for made in reading.predictions] == [0, 2]
    assert reading.skipped == ()


@pytest.mark.parametrize("call", ["append", "append_async"])
def test_a_folder_that_cannot_be_made_is_named_with_the_remedy(call, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    refused = pytest.raises(PredictionLogError, match=r"file/log: Not a directory.*make the folder writable")
    with PredictionLog(tmp_path / "file" / "log") as log, refused:
        log.append(prediction(0)) if call == "append" else asyncio.run(log.append_async(prediction(0)))


def test_records_after_the_open_segment_was_deleted_are_kept(log):
    log.append(prediction(0))
    segments(log.folder)[0].unlink()
    log.append(prediction(1))

    assert [made.idx for made in read_predictions(log.folder).predictions] == [1]


def test_a_closed_log_refuses_records(log):
    log.close()

    with pytest.raises(PredictionLogError, match="is closed"):
        log.append(prediction(0))


def test_a_value_that_json_cannot_hold_is_refused(log):
    with pytest.raises(PredictionLogError, match="client 3 cannot be written as JSON"):
        log.append(Prediction(3, 0, {"scd_a": float("nan")}))


def test_a_child_after_fork_writes_its_own_segment(tmp_path):
    script = f"""
import os, sys, warnings
warnings.simplefilter("ignore")  # forking with the log's thread running is the point
from machine_learning_engineering.prediction_log import shared_log
from machine_learning_engineering.records import Prediction
from pathlib import Path
folder = Path({str(tmp_path)!r})
shared_log(folder).append(Prediction(0, 0, {{}}))
child = os.fork()
shared_log(folder).append(Prediction(1 if child else 2, 0, {{}}))
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=300)

    assert sorted(made.idx for made in read_predictions(tmp_path).predictions) == [0, 1, 2]
    assert len(segments(tmp_path)) == 2


def test_the_log_of_a_folder_is_shared_within_a_process(tmp_path):
    first = shared_log(tmp_path)
    assert shared_log(tmp_path) is first

    first.close()
    assert shared_log(tmp_path) is not first


def test_storage_is_where_the_environment_says_or_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MLE_STORAGE", raising=False)
    assert storage_folder() == tmp_path / "mle_storage"

    monkeypatch.setenv("MLE_STORAGE", str(tmp_path / "elsewhere"))
    assert storage_folder() == tmp_path / "elsewhere"


def test_the_log_is_not_readable_by_everyone(log):
    log.append(prediction(0))

    assert segments(log.folder)[0].stat().st_mode & 0o007 == 0
    assert os.access(segments(log.folder)[0], os.R_OK)
