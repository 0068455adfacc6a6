"""JSON Schemas as pydantic makes them, trimmed to what models need."""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# A schema is JSON, whose parts are of any type.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bottega.messages import Json


def without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """Drop the titles that pydantic makes of names: they say nothing and cost tokens."""
    done: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in ("properties", "$defs", "patternProperties"):
            done[key] = {name: without_titles(item) for name, item in value.items()}
        elif isinstance(value, dict) and key not in ("default", "const", "examples"):
            done[key] = without_titles(value)
        elif isinstance(value, list) and key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            done[key] = [without_titles(item) for item in value]
        else:
            done[key] = value
    return done


def says_nothing(schema: Mapping[str, Json]) -> bool:
    """Whether any value at all fits the schema, or the items of it."""
    if not schema.keys() - {"description", "default", "deprecated", "examples"}:
        return True
    parts = [schema[key] for key in ("items", "additionalProperties") if key in schema]
    for key in ("anyOf", "oneOf", "prefixItems"):
        parts += schema.get(key, ())
    return any(isinstance(part, Mapping) and says_nothing(part) for part in parts)
