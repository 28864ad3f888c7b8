"""A request's body: read within bounds, identified if it is not text; changes with how clients send it."""

from __future__ import annotations

import asyncio
import codecs
import json
import reprlib
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from starlette.types import Receive, Scope

from deployment.problems import Problem

LONGEST_LENGTH = 20  # digits of a Content-Length; Python reads longer ones slowly, or not at all
BEGINNINGS = {  # of bodies that are not UTF-8 text
    b"\x1f\x8b": "compressed by gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16, as Windows PowerShell writes files",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class Body(BaseModel):
    """A body that was read."""

    @property
    def n_members(self) -> int:
        """Members of all its objects."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits on reading a body."""

    max_bytes: int
    timeout_s: float


async def read_body(scope: Scope, receive: Receive, limits: BodyLimits) -> bytes | None:
    """Return the whole body without a byte order mark, or None if the client has gone.

    Raises
    ------
    Problem
        413 as soon as the body is known to be too large; 408 if it does not arrive in time; 415 if it is said
        to be compressed; 400 if its length is not a number.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and (announced := _length(value)) > limits.max_bytes:
            raise _too_large(limits.max_bytes, announced)
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise _encoded(value)
    try:
        async with asyncio.timeout(limits.timeout_s):
            body, more = b"", True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > limits.max_bytes:
                    raise _too_large(limits.max_bytes, len(body))
    except TimeoutError:
        raise Problem(408, f"the body did not arrive within {limits.timeout_s:g} s") from None
    return body.removeprefix(codecs.BOM_UTF8)  # RFC 8259, section 8.1; files written on Windows have one


def what_came(body: bytes) -> str | None:
    """Say what a body that could not be read is, or None if it is UTF-8 text."""
    for beginning, name in BEGINNINGS.items():
        if body.startswith(beginning):
            return name
    if b"\0" in body[:4]:
        return "UTF-16 or UTF-32"
    try:
        body.decode()
    except UnicodeDecodeError as error:
        found = body[error.start : error.start + 1]
        meant = found.decode("latin-1")
        return f"not UTF-8: byte {found.hex()} at position {error.start}, which is {meant!r} in Latin-1"
    return None


def doubled_name(body: bytes) -> str | None:
    """Return a name that an object of a JSON text has twice; parsers keep the last without a word."""
    found: list[str] = []

    def look(members: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in members:
            if name in seen:
                found.append(name)
                return
            seen.add(name)

    json.loads(body, object_pairs_hook=look, parse_int=str)  # Python's integers have a limit of digits
    return found[0] if found else None


def _length(digits: bytes) -> int:
    if len(digits) > LONGEST_LENGTH or not digits.isdigit():
        shown = reprlib.repr(digits.decode("latin-1"))
        raise Problem(400, f"Content-Length is {shown}; expected at most {LONGEST_LENGTH} decimal digits")
    return int(digits)


def _encoded(value: bytes) -> Problem:
    shown = reprlib.repr(value.decode("latin-1"))
    return Problem(415, f"Content-Encoding is {shown}; expected a body that is not compressed")


def _too_large(max_bytes: int, n_bytes: int) -> Problem:
    return Problem(
        413, f"the body has at least {n_bytes} bytes; expected at most {max_bytes}. Split it into batches"
    )
