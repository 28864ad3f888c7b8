"""What an operator sees of the service: metrics, the names of requests, log lines."""

import json
import logging
import re
import shutil
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from running_service import FEATURES, PUBLISHED, RunningService, reserved_port
from small_models import store

from deployment import logs, metrics
from deployment.meters import Meters
from deployment.metrics import MetricsError
from deployment.request_ids import RequestIds, current, identified
from deployment.responses import Responses, route_of
from deployment.served_model import ServedModel

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NO_MODEL = SimpleNamespace(current=None, problem=None, failures=0, loaded_at=0.0)


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    """A service with metrics, JSON logs and a line for each answer."""
    folder, port = tmp_path_factory.mktemp("observed"), reserved_port()
    store(folder / "models")
    metrics_port = port.getsockname()[1]
    environment = {"METRICS_PORT": str(metrics_port), "LOG_FORMAT": "json", "ACCESS_LOG": "1"}
    running = RunningService(
        folder / "models", folder / "log", {**environment, "MAX_BODY_BYTES": "20000", "MAX_BATCH": "3"}
    )
    running.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
    yield running
    running.kill()
    port.close()


def samples(text):
    """Return every sample by name and labels."""
    return {
        (one.name, *sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def scraped(service):
    return samples(httpx.get(service.metrics_url, timeout=60).text)


def counted(meters, keeper=NO_MODEL):
    return samples(generate_latest(metrics.registry(meters, keeper)).decode())


def test_each_answer_and_each_prediction_is_counted_once(observed):
    before = scraped(observed)

    observed.post("/predict", PUBLISHED)
    observed.post("/predict/batch", {"clients": [PUBLISHED, PUBLISHED]})
    observed.post("/predict", {"idx": 1})
    unseen = {**PUBLISHED, "features": {**PUBLISHED["features"], "attr_a": 77}}
    observed.post("/predict", unseen)

    after = scraped(observed)
    gained = {key: value - before.get(key, 0.0) for key, value in after.items()}
    total = "data_science_http_requests_total"
    assert gained[total, ("route", "/predict"), ("status", "200")] == 2
    assert gained[total, ("route", "/predict"), ("status", "422")] == 1
    assert gained[total, ("route", "/predict/batch"), ("status", "200")] == 1
    assert sum(gained["data_science_predictions_total", ("label", label)] for label in "01") == 4
    assert gained[("data_science_prediction_probability_count",)] == 4
    assert gained[("data_science_prediction_log_append_seconds_count",)] == 3
    assert gained["data_science_unseen_levels_total", ("column", "attr_a")] == 1
    assert after["data_science_model_info", ("version", observed.version())] == 1
    stamps = [after[(f"data_science_model_{what}_timestamp_seconds",)] for what in ("trained", "loaded")]
    assert time.time() - 86_400 < stamps[0] <= stamps[1] + 1 < time.time() + 2
    assert after[("data_science_model_fallback",)] == 0


@pytest.mark.promtool
def test_prometheus_own_checker_finds_nothing_to_say(observed):
    observed.post("/predict", PUBLISHED)
    text = httpx.get(observed.metrics_url, timeout=60).content

    done = subprocess.run(
        [shutil.which("promtool"), "check", "metrics"], input=text, capture_output=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/predict", {"json": PUBLISHED}, 200),
        ("/predict", {"json": {"idx": 1}}, 422),
        ("/predict", {"content": b"x" * 20_001}, 413),
        ("/predict/batch", {"json": {"clients": [PUBLISHED] * 4}}, 413),
        ("/nowhere", {"json": {}}, 404),
        ("/health", {"json": {}}, 405),
    ],
)
def test_every_answer_has_the_callers_id_and_trace(observed, path, options, status):
    response = observed.post(path, headers={"X-Request-ID": "mine-4711", "traceparent": TRACE}, **options)

    assert response.status_code == status
    assert response.headers["x-request-id"] == "mine-4711"
    assert response.headers["traceparent"] == TRACE
    if status != 200:
        assert response.json()["request_id"] == "mine-4711"


def test_what_is_no_http_has_an_id_too(observed):
    with observed.connected() as client:
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        answer = client.makefile("rb").read().decode()

    (name,) = re.findall(r"x-request-id: ([\w.-]+)", answer)
    assert json.loads(answer.partition("\r\n\r\n")[2])["request_id"] == name


def test_the_record_the_log_and_the_response_name_the_same_request(observed):
    response = observed.post("/predict", json=PUBLISHED, headers={"traceparent": TRACE})
    name = response.headers["x-request-id"]

    (record,) = [one for one in observed.logged().predictions if one.request_id == name]
    (line,) = [one for one in map(json.loads, observed.said().splitlines()) if one.get("request_id") == name]
    assert record.trace_id == line["trace_id"] == TRACE[3:35]
    assert (line["route"], line["status"], line["level"]) == ("/predict", 200, "INFO")
    assert line["duration_s"] > 0


def test_two_requests_without_an_id_get_different_ones(observed):
    names = {observed.get("/health/live").headers["x-request-id"] for _ in range(3)}

    assert len(names) == 3


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 129, b"<script>", b"a\xe9", b'"'])
def test_an_id_of_other_characters_is_replaced(given):
    ids = identified([(b"x-request-id", given)])

    assert ids.request_id != given
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{8}", ids.name)


@pytest.mark.parametrize(
    "given",
    [
        TRACE.replace("00-", "01-", 1),
        TRACE.upper(),
        TRACE[:-1],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        f"{TRACE}-more",
    ],
)
def test_a_trace_that_is_none_is_ignored(given):
    ids = identified([(b"traceparent", given.encode())])

    assert (ids.traceparent, ids.trace) == (None, None)
    assert [name for name, _ in ids.headers] == [b"x-request-id"]


def test_ten_thousand_paths_make_one_series():
    meters = Meters()
    responses = Responses(meters)

    for number in range(10_000):
        responses.sent(route_of(f"/{number}/health"), 404, 0.0)

    assert [key for key in counted(meters) if key[0] == "data_science_http_requests_total"] == [
        ("data_science_http_requests_total", ("route", "other"), ("status", "404"))
    ]
    assert route_of("/health/ready") == route_of("/health") == "/health"


def test_a_histogram_counts_a_value_on_an_end_below_it_and_adds_up():
    meters = Meters()
    for probability in (0.01, 0.0100001, 0.95):
        meters.predicted(0, probability)

    found = counted(meters)

    bucket = "data_science_prediction_probability_bucket"
    assert [found[bucket, ("le", end)] for end in ("0.01", "0.02", "0.9", "+Inf")] == [1, 2, 2, 3]
    assert found[("data_science_prediction_probability_sum",)] == pytest.approx(0.9700001)


def test_unseen_is_what_the_model_reads_as_unseen(tmp_path):
    store(tmp_path)
    model = ServedModel.load(tmp_path)

    assert model.unseen({**FEATURES, "attr_a": 1.0, "attr_b": " c "}) == []
    assert model.unseen({**FEATURES, "attr_a": 9, "attr_b": "C"}) == ["attr_a", "attr_b"]


def test_failures_to_record_and_to_load_are_counted():
    meters = Meters(append_failures=3)
    keeper = SimpleNamespace(current=None, problem="broken", failures=2, loaded_at=0.0)

    found = counted(meters, keeper)

    assert found[("data_science_prediction_log_failures_total",)] == 3
    assert found[("data_science_model_reload_failures_total",)] == 2
    assert found[("data_science_model_fallback",)] == 1


def test_a_port_that_is_taken_and_a_library_that_is_missing_are_said(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MetricsError, match=f"METRICS_PORT is {port}, which cannot be had"):
            metrics.serve(Meters(), NO_MODEL, "127.0.0.1", port)

    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MetricsError, match="prometheus_client is not installed: pip install -r"):
        metrics.serve(Meters(), NO_MODEL, "127.0.0.1", 1)


def test_metrics_end_with_the_service():
    holder = reserved_port()
    stop = metrics.serve(Meters(), NO_MODEL, "127.0.0.1", holder.getsockname()[1])

    stop()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(holder.getsockname())
    holder.close()


@pytest.mark.parametrize(("logs_all", "waited", "n"), [(False, 0.0, 0), (False, 1.5, 1), (True, 0.0, 2)])
def test_slow_answers_are_logged_once_a_second_and_all_if_asked(caplog, logs_all, waited, n):
    caplog.set_level(logging.INFO)
    responses = Responses(Meters(), logs_all)

    for _ in range(2):
        responses.sent("/predict", 200, time.perf_counter() - waited)

    assert len(caplog.records) == n


def test_a_line_of_text_names_its_request_and_one_of_json_holds_an_exception_on_one_line():
    token = current.set(RequestIds(b"mine", None))
    try:
        raise ValueError("why")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "", 1, "it %s", ("failed",), sys.exc_info())
    text, line = logs.TextLines().format(record), logs.JsonLines().format(record)
    current.reset(token)

    assert text.splitlines()[0].endswith("ERROR a: it failed [mine]")
    assert "\n" not in line
    parsed = json.loads(line)
    assert (parsed["message"], parsed["request_id"], parsed["level"]) == ("it failed", "mine", "ERROR")
    assert parsed["exception"].endswith("ValueError: why")
