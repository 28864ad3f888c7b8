"""The very bytes that clients of other languages and tools send; `benchmarks.clients` runs the real ones."""

import gzip
import json
import zlib
from http.client import HTTPResponse

import pytest
from running_service import FEATURES, PUBLISHED

BODY = json.dumps(PUBLISHED).encode()
LENGTH = f"Content-Length: {len(BODY)}"
SETTINGS = "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

# Each as the real client sent it to a socket that only listened; PowerShell as its documentation says.
POSTS = {
    "Java HttpClient": (
        f"Connection: Upgrade, HTTP2-Settings\r\n{LENGTH}\r\nHost: x:1\r\n{SETTINGS}\r\nUpgrade: h2c\r\n"
        "User-Agent: Java-http-client/17.0.15\r\nContent-Type: application/json",
        BODY,
    ),
    "Java HttpClient, body of unknown length": (
        "Connection: Upgrade, HTTP2-Settings\r\nHost: x:1\r\n"
        f"{SETTINGS}\r\nTransfer-encoding: chunked\r\nUpgrade: h2c\r\nUser-Agent: Java-http-client/17.0.15\r\n"
        "Content-Type: application/json",
        CHUNKED,
    ),
    "curl --http2": (
        "Host: x:1\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
        f"{LENGTH}\r\nContent-Type: application/x-www-form-urlencoded",
        BODY,
    ),
    "curl --http2, which waits to be asked for the body": (
        "Host: x:1\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nExpect: 100-continue\r\n"
        f"{LENGTH}\r\nContent-Type: application/x-www-form-urlencoded",
        BODY,
    ),
    "Node's fetch": (
        "host: x:1\r\nconnection: keep-alive\r\ncontent-type: application/json\r\naccept: */*\r\n"
        "accept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\n"
        f"{LENGTH.lower()}",
        BODY,
    ),
    "Go's net/http, a reader as body": (
        "Host: x:1\r\nUser-Agent: Go-http-client/1.1\r\nTransfer-Encoding: chunked\r\n"
        "Content-Type: application/json\r\nAccept-Encoding: gzip",
        CHUNKED,
    ),
    "aiohttp": (
        "Host: x:1\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\nUser-Agent: Python/3.13 aiohttp/3.14.5\r\n"
        f"{LENGTH}\r\nContent-Type: application/octet-stream",
        BODY,
    ),
    "PowerShell, a file with a byte order mark": (
        "User-Agent: Mozilla/5.0 (Windows NT) WindowsPowerShell/5.1\r\nContent-Type: application/json\r\n"
        f"Host: x:1\r\nContent-Length: {len(BODY) + 3}\r\nConnection: Keep-Alive",
        b"\xef\xbb\xbf" + BODY,
    ),
}


def ask(service, head, body=b"", method="POST"):
    with service.connected() as client:
        client.sendall(head.encode() + b"\r\n\r\n" + body)
        answer = HTTPResponse(client, method=method)
        answer.begin()
        return answer.status, answer.headers, answer.read()


@pytest.mark.parametrize(("headers", "body"), POSTS.values(), ids=POSTS)
def test_what_a_client_of_another_language_sends_is_answered_and_on_record(service, headers, body):
    before = len(service.logged().predictions)

    status, _, answer = ask(service, f"POST /predict HTTP/1.1\r\n{headers}", body)

    assert (status, answer) == (200, b'{"label":0}')
    assert len(service.logged().predictions) == before + 1
    assert "upgrade" not in service.said().lower()  # a line for each request would fill a disk


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_load_balancers_head_gets_the_status_and_length_of_get_without_a_body(service, path, version):
    got = {
        method: ask(service, f"{method} {path} HTTP/{version}\r\nHost: x", method=method)
        for method in ("HEAD", "GET")
    }

    status, headers, body = got["HEAD"]
    assert (status, body) == (200, b"")
    assert headers["content-length"] == got["GET"][1]["content-length"] == str(len(got["GET"][2]))


def test_a_head_says_503_where_get_does(start):
    assert start().client.head("/health/ready").status_code == 503


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, identity", "é"])
def test_a_body_said_to_be_compressed_is_refused_by_name(service, coding):
    refused = service.post(
        "/predict", content=gzip.compress(BODY), headers={b"Content-Encoding": coding.encode()}
    )

    assert refused.status_code == 415
    assert coding in refused.json()["detail"].encode("latin-1").decode()
    assert "expected a body that is not compressed" in refused.json()["detail"]


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_a_body_said_to_be_as_it_is_is_read(service, coding):
    assert service.post("/predict", content=BODY, headers={"Content-Encoding": coding}).status_code == 200


@pytest.mark.parametrize(
    ("body", "came"),
    [
        (gzip.compress(BODY), "compressed by gzip"),
        (b"\x28\xb5\x2f\xfd" + BODY, "compressed by zstd"),
        (BODY.decode().encode("utf-16"), "UTF-16, as Windows PowerShell writes files"),
        (BODY.decode().encode("utf-16-be"), "UTF-16"),
        (b"\xfe\xff" + BODY.decode().encode("utf-16-be"), "UTF-16"),
        (BODY.decode().encode("utf-32"), "UTF-32"),
        (BODY.replace(b'"c"', b'"\xe9"'), "not UTF-8: byte e9 at position"),
        (zlib.compress(BODY), "not UTF-8"),
    ],
    ids=["gzip", "zstd", "UTF-16", "UTF-16 without mark", "UTF-16 BE", "UTF-32", "Latin-1", "zlib"],
)
def test_a_body_that_is_no_utf_8_text_is_named(service, body, came):
    refused = service.post("/predict", content=body)

    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["field"] == "body"
    assert error["detail"].startswith(f"the body is {came}")
    assert error["detail"].endswith("expected JSON in UTF-8")


def test_text_of_any_language_is_read_as_it_was_written(service):
    features = {**FEATURES, "größe": "北京 é \N{GRINNING FACE}"}
    body = json.dumps({"idx": 77, "features": features}, ensure_ascii=False).encode()

    assert service.post("/predict", content=b"\xef\xbb\xbf" + body).status_code == 200
    (record,) = [one for one in service.logged().predictions if one.idx == 77]
    assert record.features == features


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("0" * 5_000, 400),
        ("0" * 5_000 + str(len(BODY)), 400),
        ("9" * 19, 413),
        ("9" * 20, 400),
        ("9" * 5_000, 400),
        ("-1", 400),
        ("+5", 400),
        ("5_0", 400),
        ("0x10", 400),
        ("1e1", 400),
        ("5, 5", 400),
        ("", 400),
        ("٣", 400),
        ("20001", 413),
    ],
)
def test_a_length_that_is_no_number_or_too_large_is_refused_with_words(service, length, status):
    before = service.said()
    found, headers, body = ask(service, f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {length}")

    assert found == status
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body)["status"] == status
    assert "Traceback" not in service.said().removeprefix(before)
