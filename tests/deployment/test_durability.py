"""What was acknowledged is on record, however the service ends."""

import signal
from http.client import HTTPResponse

from machine_learning_engineering.segments import segments
from running_service import FEATURES, PATIENCE_S, PUBLISHED, Load
from small_models import store


def test_after_sigterm_under_load_every_acknowledged_prediction_is_on_record(start, tmp_path):
    store(tmp_path / "models")
    running = start()

    with Load(running.url) as load:
        load.wait_for(300)
        code = running.stop()

    assert code == 0
    assert_all_on_record(running, load)
    assert running.logged().skipped == ()
    assert "Traceback" not in running.said()


def test_after_kill_9_under_load_every_acknowledged_prediction_is_on_record(start, tmp_path):
    store(tmp_path / "models")
    for kill in range(4):
        running = start(MLE_STORAGE=str(tmp_path / f"log{kill}"))
        running.log_folder = tmp_path / f"log{kill}"

        with Load(running.url) as load:
            load.wait_for(50 + 37 * kill)
            running.process.kill()
            running.process.wait()

        assert_all_on_record(running, load)


def test_a_batch_acknowledged_before_kill_9_is_on_record_whole(start, tmp_path):
    store(tmp_path / "models")
    running = start()
    clients = [{"idx": idx, "features": FEATURES} for idx in range(1000)]

    answer = running.post("/predict/batch", {"clients": clients})
    running.process.kill()
    running.process.wait()

    assert len(answer.json()["predictions"]) == 1000
    assert sorted(record.idx for record in running.logged().predictions) == list(range(1000))


def test_a_request_under_way_at_sigterm_is_finished(start, tmp_path):
    store(tmp_path / "models")
    running = start()
    body = b'{"idx": 5, "features": {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}}'

    with running.begun(len(body)) as client:
        client.sendall(body[:10])
        running.process.terminate()
        running.wait_for(lambda: not running.listens())
        client.sendall(body[10:])
        answer = HTTPResponse(client)  # head and body may come in two pieces
        answer.begin()
        assert answer.read() == b'{"label":0}'

    assert running.process.wait(timeout=PATIENCE_S) == 0
    assert [record.idx for record in running.logged().predictions] == [5]


def test_a_request_that_never_ends_does_not_hold_up_the_shutdown(start, tmp_path):
    store(tmp_path / "models")
    running = start(SHUTDOWN_TIMEOUT_S="1", BODY_TIMEOUT_S="3600")
    running.post("/predict", PUBLISHED)

    with running.begun(100) as client:
        client.sendall(b"{")
        assert running.stop() == 0

    assert len(running.logged().predictions) == 1


def test_sighup_begins_a_segment_and_ends_nothing(start, tmp_path):
    store(tmp_path / "models")
    running = start()
    running.post("/predict", PUBLISHED)

    running.process.send_signal(signal.SIGHUP)
    running.wait_for(lambda: running.post("/predict", PUBLISHED) and len(segments(running.log_folder)) == 2)

    assert running.stop() == 0
    assert running.logged().skipped == ()


def test_predictions_after_the_log_was_moved_are_in_its_folder(start, tmp_path):
    store(tmp_path / "models")
    running = start()
    running.post("/predict", PUBLISHED)

    running.log_folder.rename(tmp_path / "archived")
    running.post("/predict", PUBLISHED)

    assert len(running.logged().predictions) == 1


def assert_all_on_record(running, load):
    on_record = {record.idx: record.label for record in running.logged().predictions}
    assert len(load.acknowledged) >= 50
    assert load.acknowledged.items() <= on_record.items()
