"""The loaded model's features as JSON Schema, for OpenAPI; changes with the rules of reading them."""

from __future__ import annotations

from typing import Any

from deployment.served_model import ServedModel

# Beside its own JSON type a column takes every value that equals one: true is 1 (1.0 is an integer anyway).
TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": ["integer", "boolean"]},
    "real": {"type": ["number", "boolean"]},
    "boolean": {"enum": [True, False, 0, 1]},
    "text": {"type": "string", "pattern": r"\S"},
}
MOST_SHOWN = 20  # levels listed in a description


def feature_schema(served: ServedModel) -> dict[str, Any]:
    """Return the schema of the features that a model reads; others are allowed and only stored."""
    model = served.model.model
    averages = model.averages_unseen
    return {
        "type": "object",
        "description": f"What version {served.version} reads to predict {model.response}.",
        "properties": {column.name: _column_schema(column, averages) for column in model.columns},
        "required": [column.name for column in model.columns],
        "additionalProperties": True,
    }


def _column_schema(column: Any, averages_unseen: bool) -> dict[str, Any]:
    if column.levels is None:
        return {**TYPES[column.kind], "description": "Numeric."}
    shown = ", ".join(map(repr, column.levels[:MOST_SHOWN]))
    more = ", ..." if len(column.levels) > MOST_SHOWN else ""
    unseen = "are averaged over the posterior" if averages_unseen else "get the population effect"
    unseen = f"others {'are refused' if column.refuses_unseen else unseen}"
    schema = {**TYPES[column.kind], "description": f"Levels seen in training: {shown}{more}; {unseen}."}
    return {**schema, "enum": list(column.levels)} if column.refuses_unseen else schema
