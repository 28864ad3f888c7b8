"""Errors as problem documents (RFC 9457) that name fields and show no internals; changes with wording."""

from __future__ import annotations

import json
import reprlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

MEDIA_TYPE = "application/problem+json"
MOST_SHOWN = 20  # fields at fault in one response
UNHELPFUL_INPUTS = {"missing", "json_invalid", "too_short"}  # pydantic's error types that show a whole body


@dataclass
class Problem(Exception):  # noqa: N818 - it is what the client is told, by its name in RFC 9457
    """An answer other than the one requested."""

    status: int
    detail: str
    errors: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.status, self.detail, self.errors)  # what pickle makes it from again

    def body(self, request_id: str) -> bytes:
        """Return the problem document, with the name by which the request is found in the logs."""
        title = HTTPStatus(self.status).phrase
        document = {
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "errors": self.errors,
            "request_id": request_id,
        }
        return json.dumps(document).encode()


def invalid_field(path: str, detail: str) -> Problem:
    """Return the problem of one invalid field."""
    return Problem(422, "1 field is invalid", [{"field": path, "detail": detail}])


def invalid_body(error: ValidationError, came: str | None = None) -> Problem:
    """Return the problem of a body that pydantic refused; ``came`` says what it is if it is not text."""
    if came is not None:
        return invalid_field("body", f"the body is {came}; expected JSON in UTF-8")
    found = [_field_problem(one) for one in error.errors(include_url=False, include_context=False)]
    detail = "1 field is invalid" if len(found) == 1 else f"{len(found)} fields are invalid"
    return Problem(422, detail, found[:MOST_SHOWN])


def _field_problem(error: Any) -> dict[str, str]:
    path = ".".join(str(part) for part in error["loc"]) or "body"
    came = "" if error["type"] in UNHELPFUL_INPUTS else f"; got {reprlib.repr(error['input'])}"
    return {"field": path, "detail": f"{error['msg']}{came}"}
