"""The OpenAPI document, with the loaded model's features in it; changes with how it is presented."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from deployment.feature_schema import feature_schema
from deployment.messages import Problem
from deployment.problems import MEDIA_TYPE
from deployment.served_model import ServedModel

PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def document(app: FastAPI, served: ServedModel | None, max_batch: int) -> dict[str, Any]:
    """Return the document for the model that answers now."""
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = found["components"]["schemas"]
    # FastAPI describes its own form of validation errors, which this service does not use.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schemas["Problem"].pop("$defs", {}))
    schemas["Questions"]["properties"]["clients"]["maxItems"] = max_batch
    if served is not None:
        features = feature_schema(served)
        for name in ("Question", "Client"):
            schemas[name]["properties"]["features"] = features
    return found


def problems(**statuses: str) -> dict[int | str, dict[str, Any]]:
    """Describe the problem responses of a route, ``status_413="when"``."""
    return {
        name.removeprefix("status_"): {"description": when, "content": PROBLEM}
        for name, when in statuses.items()
    }
