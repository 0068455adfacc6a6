"""Whether a JSON Schema fits the protocol's strict mode, where the server enforces it exactly.

OpenAI refuses `strict` with a schema outside of a subset of JSON Schema; see
https://platform.openai.com/docs/guides/structured-outputs#supported-schemas.
"""

from __future__ import annotations

from collections.abc import Mapping

from bottega.messages import Json
from bottega_plugins.models.openai.shapes import is_object

_KEYWORDS = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "enum",
        "items",
        "properties",
        "required",
        "title",
        "type",
    }
)
_DEEPEST = 32


def is_strict(schema: Mapping[str, Json]) -> bool:
    """Return whether all objects are closed and require all they name, in common keywords only."""
    return schema.get("type") == "object" and _fits(schema, 0)


def _fits(schema: Json, depth: int) -> bool:
    if not is_object(schema) or depth > _DEEPEST or not schema.keys() <= _KEYWORDS:
        return False
    properties: dict[str, Json] = schema.get("properties", {})
    if schema.get("type") == "object" or properties:
        closed = schema.get("additionalProperties") is False
        if not closed or set(schema.get("required", ())) != set(properties):
            return False
    inner: list[Json] = [*properties.values(), *schema.get("$defs", {}).values()]
    inner += schema.get("anyOf", ())
    inner += [schema["items"]] if "items" in schema else []
    return all(_fits(item, depth + 1) for item in inner)
