"""Requests that are refused: with the right status, the field named, and no trace of the inside."""

import asyncio
import re
import time

import httpx
import pytest
from running_service import FEATURES, PUBLISHED, checked
from small_models import store

from deployment.app import create_app
from deployment.body import doubled_name
from deployment.served_model import ServedModel
from deployment.settings import Settings


def without(column):
    return {name: value for name, value in FEATURES.items() if name != column}


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({"features": FEATURES}, "idx", "Field required"),
        ({"idx": "x", "features": FEATURES}, "idx", "valid integer; got 'x'"),
        ({"idx": True, "features": FEATURES}, "idx", "valid integer; got True"),
        ({"idx": 1.5, "features": FEATURES}, "idx", "valid integer; got 1.5"),
        ({"idx": 2**53, "features": FEATURES}, "idx", "less than or equal to"),
        ({"idx": 1}, "features", "Field required"),
        ({"idx": 1, "features": []}, "features", "Input should be an object"),
        ({"idx": 1, "features": {}}, "features.attr_a", "attr_a is missing"),
        ({"idx": 1, "features": without("scd_a")}, "features.scd_a", "scd_a is missing"),
        ({"idx": 1, "features": {**FEATURES, "attr_a": "1"}}, "features.attr_a", r"'1' \(str\)"),
        ({"idx": 1, "features": {**FEATURES, "attr_a": 1.5}}, "features.attr_a", "expected an integer"),
        ({"idx": 1, "features": {**FEATURES, "attr_b": 3}}, "features.attr_b", "expected text"),
        ({"idx": 1, "features": {**FEATURES, "scd_a": None}}, "features.scd_a", "expected a finite number"),
        ({"idx": 1, "features": {**FEATURES, "scd_b": [3]}}, "features.scd_b", "expected a finite number"),
        (
            {"idx": 1, "features": {**FEATURES, "scd_b": 10**400}},
            "features.scd_b",
            "expected a finite number",
        ),
        ({**PUBLISHED, "probabilty": True}, "probabilty", "not permitted"),
        ({**PUBLISHED, "probability": "yes"}, "probability", "valid boolean; got 'yes'"),
        ({**PUBLISHED, "interval": 1.0}, "interval", "less than 1"),
        ({**PUBLISHED, "interval": 0}, "interval", "greater than 0"),
        ([PUBLISHED], "body", "Input should be an object"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(service, body, field, detail):
    refused = service.post("/predict", body)

    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert (problem["title"], problem["status"]) == ("Unprocessable Content", 422)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert re.search(detail, problem["errors"][0]["detail"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"idx": 1, "features": {"attr_a": NaN}}',
        b"[" * 15_000,
        b"null",
        b'"\\ud800"',
    ],
    ids=["empty", "cut", "not UTF-8", "NaN", "deep", "null", "half a character"],
)
def test_a_body_that_is_no_json_object_is_refused(service, content):
    refused = service.post("/predict", content=content)

    assert refused.status_code == 422
    assert len(refused.json()["errors"]) == 1


def test_only_the_first_of_many_faults_are_listed(service):
    refused = service.post("/predict/batch", {"clients": [{"idx": "x", "features": {}}] * 90})

    assert refused.json()["detail"] == "90 fields are invalid"
    assert len(refused.json()["errors"]) == 20


def test_an_empty_batch_is_refused(service):
    refused = service.post("/predict/batch", {"clients": []})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "clients"


def test_a_batch_over_the_limit_is_refused(service):
    refused = service.post(
        "/predict/batch", {"clients": [{"idx": row, "features": FEATURES} for row in range(101)]}
    )

    assert refused.status_code == 413
    assert refused.json()["detail"] == "101 clients in one batch; expected at most 100"


@pytest.mark.parametrize("chunked", [False, True], ids=["length announced", "chunked"])
def test_a_body_over_the_limit_is_refused_and_the_next_request_answered(service, chunked):
    large = [b" " * 5_000] * 5
    content = iter(large) if chunked else b"".join(large)

    refused = service.post("/predict", content=content)

    assert refused.status_code == 413
    assert "expected at most 20000" in refused.json()["detail"]
    assert service.post("/predict", PUBLISHED).status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(start, tmp_path):
    store(tmp_path / "models")
    running = start(BODY_TIMEOUT_S="2")

    with running.connected() as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert client.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert running.post("/predict", PUBLISHED).status_code == 200


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(service):
    before = len(service.logged().predictions)

    for _ in range(20):
        with service.connected() as client:
            client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    time.sleep(0.1)

    assert service.post("/predict", PUBLISHED).status_code == 200
    assert len(service.logged().predictions) == before + 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/predict", 405),
        ("DELETE", "/predict/batch", 405),
        ("POST", "/health", 405),
        ("GET", "/x", 404),
    ],
)
def test_other_methods_and_paths_get_a_problem_document_too(service, method, path, status):
    refused = service.client.request(method, path)

    assert refused.status_code == status
    assert refused.json()["status"] == status
    assert ("allow" in refused.headers) == (status == 405)


def test_an_unexpected_error_is_a_500_that_shows_nothing(tmp_path):
    class BrokenModel(ServedModel):
        def score(self, *_):
            raise RuntimeError("secret of the inside")

    def load(_):
        return BrokenModel(None, "v1")

    app = create_app(Settings(model_folder=tmp_path, mle_storage=tmp_path / "log"), load)

    async def ask():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://service") as client,
        ):
            return await client.post("/predict", json=PUBLISHED)

    response = checked(asyncio.run(ask()))

    assert response.status_code == 500
    assert response.json()["detail"] == "unexpected error; the service's log shows it"
    assert "secret" not in response.text
    assert app.state.meters.requests == {"/predict": {500: 1}}
    assert app.state.meters.durations["/predict"].total > 0.0


DOUBLED = {
    "a feature": ('{"idx": 1, "features": {"attr_a": 1, %s, "attr_a": 1}}', "attr_a"),
    "a feature by an escape": ('{"idx": 1, "features": {%s, "attr_a": 1, "\\u0061ttr_a": 2}}', "attr_a"),
    "a column that is not read": ('{"idx": 1, "features": {"attr_a": 1, %s, "z": 1, "z": null}}', "z"),
    "an object in such a column": ('{"idx": 1, "features": {"attr_a": 1, %s, "z": [{"k": 1, "k": 1}]}}', "k"),
    "the client": ('{"idx": 1, "idx": 2, "features": {"attr_a": 1, %s}}', "idx"),
    "the features": ('{"features": {}, "idx": 2, "features": {"attr_a": 1, %s}}', "features"),
    "an option": (
        '{"probability": true, "idx": 1, "features": {"attr_a": 1, %s}, "probability": false}',
        "probability",
    ),
    "beside large numbers": (
        '{"idx": 1, "features": {"attr_a": 1, %s, "z": ' + "9" * 4_000 + ', "z": 1}}',
        "z",
    ),
}
REST = '"attr_b": "c", "scd_a": 0.55, "scd_b": 3'


@pytest.mark.parametrize("where", DOUBLED)
@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_a_name_that_appears_twice_is_refused_and_nothing_is_recorded(service, where, path):
    body, name = DOUBLED[where]
    body = body % REST
    if path.endswith("batch"):
        if where == "an option":
            return
        body = f'{{"clients": [{{"idx": 1, "features": {{"attr_a": 1, {REST}}}}}, {body}]}}'
    before = len(service.logged().predictions)

    answer = service.client.post(path, content=body.encode())

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error == {
        "field": "body",
        "detail": f"{name!r} appears twice in one object; expected each name once",
    }
    assert len(service.logged().predictions) == before


@pytest.mark.parametrize(
    "extra",
    ['"z": "a:b"', '"a:b": ":::"', '"z": {"idx": 1, "features": {"k": [{"k": 1}, {"k": 2}]}}', '"": 1'],
)
def test_colons_in_texts_and_equal_names_in_different_objects_are_no_doubles(service, extra):
    body = f'{{"idx": 1, "features": {{"attr_a": 1, {REST}, {extra}}}}}'

    assert service.client.post("/predict", content=body.encode()).json() == {"label": 0}
    both = service.client.post("/predict/batch", content=f'{{"clients": [{body}, {body}]}}'.encode())
    assert [one["label"] for one in both.json()["predictions"]] == [0, 0]


def test_a_name_that_appears_twice_at_the_end_of_a_long_object_is_found_in_one_pass():
    members = ",".join(f'"{k}":1' for k in range(90_000))  # about 1 MiB
    began = time.process_time()

    assert doubled_name(f'{{{members},"89999":1}}'.encode()) == "89999"

    assert time.process_time() - began < 20  # tenths of a second; minutes if each name were looked for anew
