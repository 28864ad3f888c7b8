"""A FastAPI route for small JSON bodies without FastAPI's per-request machinery; changes for speed only.

Dependency resolution and response validation cost more than the prediction and its durable record together.
The endpoint is an ordinary FastAPI endpoint, so OpenAPI shows it as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from time import perf_counter

from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployment.body import Body, BodyLimits, doubled_name, read_body, what_came
from deployment.problems import MEDIA_TYPE, Problem, invalid_body, invalid_field
from deployment.request_ids import RequestIds, identified
from deployment.responses import Responses, route_of


class DirectRoute(APIRoute):
    """Reads the body with pydantic's JSON parser and sends the bytes that the endpoint returns."""

    limits: BodyLimits
    responses_sent: Responses

    @cached_property
    def _body_type(self) -> type[Body]:
        if self.body_field is None:
            raise TypeError(f"{self.path}: expected an endpoint with one pydantic model as its body")
        body_type: type[Body] = self.body_field.field_info.annotation  # type: ignore[assignment]  # by use
        return body_type

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        started, ids = perf_counter(), identified(scope["headers"])
        try:
            body = await read_body(scope, receive, self.limits)
            if body is None:
                return
            answer = await self.endpoint(self._question(body))
        except Problem as problem:
            self.responses_sent.sent(self.path, problem.status, started)
            await send_problem(send, problem, ids)
        except Exception:
            self.responses_sent.sent(self.path, 500, started)  # the outermost middleware answers
            raise
        else:  # first counted, so that whoever has an answer finds it in the metrics and the log
            self.responses_sent.sent(self.path, 200, started)
            await send_json(send, 200, answer, ids)

    def _question(self, body: bytes) -> Body:
        try:
            question = self._body_type.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error, what_came(body)) from None
        # Every member has a colon; more are in texts, in nested objects, or of members that were lost.
        if body.count(b":") != question.n_members and (name := doubled_name(body)) is not None:
            raise invalid_field("body", f"{name!r} appears twice in one object; expected each name once")
        return question


class ShortCut:
    """Middleware that takes POST requests for direct routes past the router and the inner middleware.

    It names and counts the others, too.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[str, DirectRoute], sent: Responses) -> None:
        self.app = app
        self.routes = routes
        self.sent = sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] == "http" and scope["method"] == "POST" and (r := self.routes.get(scope["path"])):
            await r.handle(scope, receive, send)
        elif scope["type"] == "http":
            await self._pass_on(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, ids, answered = perf_counter(), identified(scope["headers"]), False

        async def send_named(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                message = {**message, "headers": [*message.get("headers", ()), *ids.headers]}
                self.sent.sent(route_of(scope["path"]), message["status"], started)
            await send(message)

        try:
            await self.app(scope, receive, send_named)
        except Exception:
            if not answered:  # the outermost middleware does
                self.sent.sent(route_of(scope["path"]), 500, started)
            raise


async def send_json(
    send: Send, status: int, body: bytes, ids: RequestIds, media_type: str = "application/json"
) -> None:
    """Send a response in one piece."""
    headers = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body)), *ids.headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_problem(send: Send, problem: Problem, ids: RequestIds) -> None:
    """Send a problem document."""
    await send_json(send, problem.status, problem.body(ids.name), ids, MEDIA_TYPE)
