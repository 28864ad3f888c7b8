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
    reader = served.model.model.reader
    properties = {
        column: _level_schema(reader.levels[column]) if column in reader.levels else _number_schema()
        for column in reader.columns
    }
    return {
        "type": "object",
        "description": f"What version {served.version} reads.",
        "properties": properties,
        "required": list(reader.columns),
        "additionalProperties": True,
    }


def _number_schema() -> dict[str, Any]:
    return {**TYPES["real"], "description": "Numeric."}


def _level_schema(reader: Any) -> dict[str, Any]:
    levels = list(reader.factor.levels)
    shown = ", ".join(map(repr, levels[:MOST_SHOWN])) + (", ..." if len(levels) > MOST_SHOWN else "")
    unseen = "others are refused" if reader.refuses_unseen else "others get the population effect"
    schema = {**TYPES[reader.kind], "description": f"Levels seen in training: {shown}; {unseen}."}
    if reader.refuses_unseen:
        return {**schema, "enum": levels}
    return schema
