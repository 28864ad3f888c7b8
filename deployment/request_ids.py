"""By which name a request is found again, and of which trace it is; changes with what callers send.

Every response has an ``X-Request-ID``: the caller's, or one made here. A `traceparent` (W3C Trace Context,
version 00) is echoed, for there is one hop here and no child.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_TRACE = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_PROCESS = os.urandom(6).hex().encode()  # two processes never make the same
_serial = itertools.count(1)


@dataclass(slots=True)
class RequestIds:
    """The names of one request, as bytes of its headers."""

    request_id: bytes
    traceparent: bytes | None

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What the response says of them."""
        said = [(b"x-request-id", self.request_id)]
        if self.traceparent is not None:
            said.append((b"traceparent", self.traceparent))
        return said

    @property
    def name(self) -> str:
        """The request's id as text."""
        return self.request_id.decode()

    @property
    def trace(self) -> str | None:
        """The trace's id, if the caller named one."""
        return None if self.traceparent is None else self.traceparent[3:35].decode()


#: Of the request that the current task answers.
current: ContextVar[RequestIds | None] = ContextVar("request_ids", default=None)


def identified(headers: Iterable[tuple[bytes, bytes]] = ()) -> RequestIds:
    """Return the names of a request, and make them the current ones."""
    given, trace = b"", None
    for name, value in headers:
        if name == b"x-request-id":
            given = value
        elif name == b"traceparent":
            trace = value
    if not given or _ID.fullmatch(given) is None:
        given = b"%b-%08x" % (_PROCESS, next(_serial))
    if trace is not None and _TRACE.fullmatch(trace) is None:
        trace = None
    ids = RequestIds(given, trace)
    current.set(ids)
    return ids
