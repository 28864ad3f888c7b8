"""HTTP/1.1 on a socket: offers of other protocols are ignored, heads bounded; changes with HTTP's rules.

uvicorn's own protocol for httptools drops the body of every request that offers an upgrade, as Java's
HttpClient and ``curl --http2`` do with each POST to a plain port (``Upgrade: h2c``), and bounds no head.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from deployment.problems import MEDIA_TYPE, Problem
from deployment.request_ids import identified

LARGEST_HEAD = 2**16  # bytes of request line and headers, and of what comes between two pieces of a body


class Http11Protocol(HttpToolsProtocol):
    """Answers an offer of an upgrade as the HTTP/1.1 request that it also is (RFC 9110, section 7.8)."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self._unread = 0  # bytes since the last piece of a body or the end of a message
        self._problem: Problem | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for a request as long as between two."""
        super().connection_made(transport)
        self._expect_more()

    def data_received(self, data: bytes) -> None:
        """Read what has come; the parser calls the methods below."""
        self._unset_keepalive_if_required()
        try:
            for piece in (data,) if len(data) <= LARGEST_HEAD else _pieces(data):
                self._read(piece)
        except httptools.HttpParserError as error:
            self._refuse(self._problem or _not_http(data, error))
            return
        if self._unread and "method" not in (self.scope or ()):  # of half a head; a body has its own limit
            self._expect_more()

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is too large or is to be read again."""
        if self._unread > LARGEST_HEAD and self._size_of_head() > LARGEST_HEAD:
            self._stop(_head_too_large())
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass on a piece of the body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass on the end of the body."""
        self._unread = 0
        super().on_message_complete()

    def _expect_more(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _should_upgrade(self) -> bool:
        # Asked only about offers. Yes: then nothing is begun, and the parser stops at the end of the head.
        return True

    def _read(self, piece: bytes | memoryview) -> None:
        self._unread += len(piece)
        while piece:
            try:
                self.parser.feed_data(piece)
                break
            except httptools.HttpParserUpgrade as offer:
                piece = memoryview(piece)[offer.args[0] :]
                self._read_again_without_the_offer()
        if self._unread > LARGEST_HEAD:
            self._stop(_head_too_large())

    def _read_again_without_the_offer(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            self._stop(Problem(405, "this service is not a proxy: CONNECT is not supported"))
        kept = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        version = self.scope["http_version"].encode()
        first = self.parser.get_method() + b" " + self.url + b" HTTP/" + version
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it
        self.parser.feed_data(b"\r\n".join((first, *kept, b"", b"")))

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _stop(self, problem: Problem) -> None:
        self._problem = problem
        raise httptools.HttpParserError(problem.detail)

    def _refuse(self, problem: Problem) -> None:
        ids = identified(self.headers or ())
        body = problem.body(ids.name)
        head = (
            f"content-type: {MEDIA_TYPE}", f"content-length: {len(body)}",
            *(f"{name.decode()}: {value.decode()}" for name, value in ids.headers), "connection: close",
            "", "",
        )  # fmt: skip
        self.transport.write(STATUS_LINE[problem.status] + "\r\n".join(head).encode() + body)
        self.transport.close()


def _pieces(data: bytes) -> Iterator[memoryview]:
    view = memoryview(data)
    return (view[start : start + LARGEST_HEAD] for start in range(0, len(data), LARGEST_HEAD))


def _head_too_large() -> Problem:
    return Problem(431, f"the request line and headers have more than {LARGEST_HEAD} bytes; send fewer")


def _not_http(data: bytes, error: Exception) -> Problem:
    if data.startswith(b"PRI * HTTP/2"):
        came = "the request is HTTP/2 without an upgrade"
    elif data.startswith(b"\x16\x03"):
        came = "the request is TLS, as for https"
    else:
        came = f"the request is invalid: {error}"
    return Problem(400, f"{came}; expected HTTP/1.1 without TLS")
