"""Offers of another protocol, in every shape: each is answered as the HTTP/1.1 request that it also is."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.config import Config
from uvicorn.server import ServerState

from deployment.http11 import LARGEST_HEAD, Http11Protocol

OFFERS = ["h2c", "H2C", "websocket", "TLS/1.0", "h2c, websocket", "", "x" * 500]
CONNECTIONS = [
    "Upgrade, HTTP2-Settings",
    "upgrade",
    "keep-alive, Upgrade",
    "Upgrade,HTTP2-Settings,close",
    "close",
    "HTTP2-Settings",
]
OTHERS = [
    "Host: x",
    "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    "Accept: */*",
    "User-Agent: Java-http-client/17",
]


class Wire(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self):
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written, self.closed = b"", False

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


async def echo(scope, receive, send):
    """Answer with what came: method, path, names of headers, and the body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    names = [name.decode() for name, _ in scope["headers"] if name != b"upgrade"]
    answer = json.dumps([scope["method"], scope["path"], names, body.decode("latin-1")]).encode()
    headers = [(b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def answered(*pieces, then_wait_s=0.0, **options):
    """Return what the protocol writes when these pieces arrive, and whether it closes."""

    async def converse():
        wire = Wire()
        config = Config(echo, ws="none", log_config=None, access_log=False, **options)
        protocol = Http11Protocol(config, ServerState(), {})
        protocol.connection_made(wire)
        for piece in pieces:
            if not wire.closed:
                protocol.data_received(piece)
            for _ in range(5):  # turns of the loop: the application runs and answers
                await asyncio.sleep(0)
        for _ in range(10 * len(protocol.pipeline) + 10):
            await asyncio.sleep(0)
        await asyncio.sleep(then_wait_s)
        closed = wire.closed
        protocol.connection_lost(None)
        await asyncio.sleep(0)
        return wire.written, closed

    return asyncio.run(converse())


@st.composite
def requests(draw):
    """Return a request that offers an upgrade, and the same without the offer."""
    method = draw(st.sampled_from(["POST", "PUT", "GET", "HEAD", "DELETE", "OPTIONS"]))
    body = draw(st.binary(max_size=40))
    framing = draw(st.sampled_from(["length", "chunked", "none"]))
    if framing == "none":
        lines, body = [], b""
    elif framing == "length":
        lines = [f"Content-Length: {len(body)}"]
    else:
        lines, cut = ["Transfer-Encoding: chunked"], draw(st.integers(0, len(body)))
        chunks = [chunk for chunk in (body[:cut], body[cut:]) if chunk]
        body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    lines += draw(st.lists(st.sampled_from(OTHERS), max_size=4, unique=True))
    lines.append(f"Connection: {draw(st.sampled_from(CONNECTIONS))}")
    offer = f"{draw(st.sampled_from(['Upgrade', 'upgrade', 'UPGRADE']))}: {draw(st.sampled_from(OFFERS))}"
    place = draw(st.integers(0, len(lines)))

    def with_lines(lines):
        return "\r\n".join([f"{method} /a%20b?c=d HTTP/1.1", *lines, "", ""]).encode() + body

    return with_lines([*lines[:place], offer, *lines[place:]]), with_lines(lines)


@settings(max_examples=300, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=3), st.data())
def test_an_offer_changes_no_answer_however_it_is_written_or_cut(asked, data):
    offered, plain = (b"".join(one) for one in zip(*asked, strict=True))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(offered)), max_size=4)))
    pieces = [offered[start:end] for start, end in zip([0, *cuts], [*cuts, len(offered)], strict=True)]

    assert answered(*pieces) == answered(plain)


def test_the_echo_shows_the_body_so_that_the_property_says_something():
    head = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\n"

    assert answered(head + b"abc") == answered(head, b"a", b"bc")
    assert answered(head + b"abc")[0].endswith(b'["POST", "/", ["connection", "content-length"], "abc"]')


def test_thousands_of_offers_in_one_piece_are_all_answered():
    one = b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

    written, closed = answered(one * 2_000)

    assert written.count(b"HTTP/1.1 200 OK") == 2_000
    assert not closed


def test_connect_is_refused_however_often_it_is_read():
    written, closed = answered(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n")

    assert written.startswith(b"HTTP/1.1 405 ")
    assert closed


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
FILL = b"a" * LARGEST_HEAD


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"X: " + FILL + b"\r\n\r\n",
        HEAD + b"X: " + FILL,
        HEAD + FILL + b": x\r\n\r\n",
        HEAD + b"X: y\r\n" * 12_000 + b"\r\n",
        b"GET /" + FILL + b" HTTP/1.1\r\n\r\n",
        b"GET /" + FILL,
        HEAD + b"Connection: Upgrade\r\nUpgrade: " + FILL + b"\r\n\r\n",
        HEAD + b"\r\n" + HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\nX: " + 2 * FILL + b"\r\n\r\n",
        b"\r\n" * LARGEST_HEAD,
        CHUNKED + b"0\r\nX: " + 2 * FILL,
        CHUNKED + b"0\r\n" + b"X: y\r\n" * 24_000,
        CHUNKED + b"3;" + 2 * FILL,
    ],
    ids=[
        "header",
        "header without end",
        "name of a header",
        "many headers",
        "path",
        "path without end",
        "offer",
        "head with an offer",
        "empty lines",
        "trailer",
        "many trailers",
        "chunk extension",
    ],
)
@pytest.mark.parametrize("size", [2**20, 4_096, 100], ids=["at once", "in pieces", "in small pieces"])
def test_a_head_or_trailer_beyond_the_limit_is_refused_and_the_connection_closed(sent, size):
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]

    written, closed = answered(*pieces)

    assert b"HTTP/1.1 431 " in written
    assert b"more than 65536 bytes" in written
    assert closed


@pytest.mark.parametrize("size", [2**20, 4_096], ids=["at once", "in pieces"])
def test_a_head_just_within_the_limit_is_answered_before_and_after_a_large_body(size):
    large = b"a" * 3 * LARGEST_HEAD
    post = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(large) + large
    get = HEAD + b"X: " + b"a" * (LARGEST_HEAD - 100) + b"\r\n\r\n"
    for sent in (get + post + get, post + get):
        written, closed = answered(*[sent[start : start + size] for start in range(0, len(sent), size)])

        assert written.count(b"HTTP/1.1 200 OK") == sent.count(b" HTTP/1.1\r\n")
        assert not closed


@pytest.mark.parametrize(
    ("sent", "closed"),
    [
        ([], True),
        ([b"GET / HTTP/1.1\r\n"], True),
        ([b"G", b"E", b"T"], True),
        ([HEAD + b"\r\n", HEAD], True),
        ([HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"], True),
        ([b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"], False),
        ([b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na", b"b"], False),
    ],
    ids=["nothing", "half a head", "in pieces", "the second", "an offer", "no body yet", "half a body"],
)
def test_a_head_that_does_not_end_is_not_waited_for_and_a_body_has_its_own_limit(sent, closed):
    assert answered(*sent, then_wait_s=0.3, timeout_keep_alive=0)[1] == closed


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "the request is HTTP/2 without an upgrade"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "the request is TLS, as for https"),
        (b"hello\r\n\r\n", "the request is invalid"),
        (
            b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "the request is invalid",
        ),
    ],
    ids=["HTTP/2", "TLS", "words", "two lengths"],
)
def test_what_is_not_http_is_told_so_in_a_problem_document(sent, said):
    written, closed = answered(sent)

    head, _, body = written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert said in json.loads(body)["detail"]
    assert closed
