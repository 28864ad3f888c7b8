"""A FastAPI route for small JSON bodies without FastAPI's per-request machinery; changes for speed only.

Dependency resolution and response validation cost more than the prediction and its durable record together.
The endpoint is an ordinary FastAPI endpoint, so OpenAPI shows it as any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from deployment.problems import MEDIA_TYPE, Problem, invalid_body


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may cost before it is read."""

    max_bytes: int
    timeout_s: float


class DirectRoute(APIRoute):
    """Reads the body with pydantic's JSON parser and sends the bytes that the endpoint returns."""

    limits: BodyLimits

    @cached_property
    def _body_type(self) -> type[BaseModel]:
        if self.body_field is None:
            raise TypeError(f"{self.path}: expected an endpoint with one pydantic model as its body")
        body_type: type[BaseModel] = self.body_field.field_info.annotation  # type: ignore[assignment]  # by use
        return body_type

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        try:
            body = await read_body(scope, receive, self.limits)
            if body is None:
                return
            question = self._body_type.model_validate_json(body)
            await send_json(send, 200, await self.endpoint(question))
        except ValidationError as error:
            await send_problem(send, invalid_body(error))
        except Problem as problem:
            await send_problem(send, problem)


class ShortCut:
    """Middleware that leads POST requests for direct routes past the router and the inner middleware."""

    def __init__(self, app: ASGIApp, routes: Mapping[str, DirectRoute]) -> None:
        self.app = app
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or lead it on."""
        if scope["type"] == "http" and scope["method"] == "POST" and (r := self.routes.get(scope["path"])):
            await r.handle(scope, receive, send)
        else:
            await self.app(scope, receive, send)


async def read_body(scope: Scope, receive: Receive, limits: BodyLimits) -> bytes | None:
    """Return the whole body, or None if the client has gone.

    Raises
    ------
    Problem
        413 as soon as the body is known to be too large; 408 if it does not come in time.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limits.max_bytes:
            raise _too_large(limits.max_bytes, int(value))
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
    return body


async def send_json(send: Send, status: int, body: bytes, media_type: str = "application/json") -> None:
    """Send a response of one piece."""
    headers = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_problem(send: Send, problem: Problem) -> None:
    """Send a problem document."""
    await send_json(send, problem.status, problem.body(), MEDIA_TYPE)


def _too_large(max_bytes: int, n_bytes: int) -> Problem:
    return Problem(
        413, f"the body has at least {n_bytes} bytes; expected at most {max_bytes}. Split it into batches"
    )
