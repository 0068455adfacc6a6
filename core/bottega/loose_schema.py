"""Schemas as they are written in the wild, made into JSON Schema 2020-12.

Function documents name types as Python does (`dict`, `float`, `tuple`), and OpenAPI 3.0 and older
drafts have words of their own. What is JSON Schema already stays as it is. Whether the outcome is
valid is left to the validator (`bottega.schema_tool`).
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# A schema is JSON, whose parts are of any type.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bottega.messages import Json

_TYPES: Mapping[str, str] = {
    "str": "string",
    "text": "string",
    "char": "string",
    "byte": "string",
    "int": "integer",
    "long": "integer",
    "bigint": "integer",
    "float": "number",
    "double": "number",
    "bool": "boolean",
    "dict": "object",
    "hashmap": "object",
    "map": "object",
    "list": "array",
    "tuple": "array",
    "set": "array",
    "arraylist": "array",
    "none": "null",
    "nonetype": "null",
}
_KNOWN = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})
_ONE = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


def as_json_schema(schema: Json) -> Json:
    """Return the schema with every word in it one of JSON Schema 2020-12; a new one."""
    if not isinstance(schema, Mapping):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, Mapping):
            made[key] = {name: as_json_schema(item) for name, item in value.items()}
        elif key in _MANY and isinstance(value, list):
            made[key] = [as_json_schema(item) for item in value]
        elif key in _ONE:
            made[key] = as_json_schema(value)
        else:
            made[key] = value
    _name_types(made)
    _take_older_words(made)
    _mean_items(made)
    _take_default(made)
    return made


def _name_types(made: dict[str, Any]) -> None:
    """Name types as JSON Schema does; one that nobody knows allows any value."""
    kind = made.get("type")
    if isinstance(kind, list):
        named = [_named(one) for one in kind]
        if None in named:
            del made["type"]
        else:
            made["type"] = list(dict.fromkeys(named))
    elif isinstance(kind, str):
        named_type = _named(kind)
        if named_type is None:
            del made["type"]
        else:
            made["type"] = named_type


def _named(kind: object) -> str | None:
    if not isinstance(kind, str):
        return None
    word = kind.strip().partition("[")[0].lower()
    return word if word in _KNOWN else _TYPES.get(word)


def _take_older_words(made: dict[str, Any]) -> None:
    """Replace what draft 3 and 4, draft 7 and OpenAPI 3.0 say otherwise."""
    if isinstance(made.get("required"), bool):  # said of one property, not of an object's
        del made["required"]
    if isinstance(made.get("items"), list):
        made["prefixItems"] = [as_json_schema(item) for item in made.pop("items")]
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(word), bool) and made.pop(word) and bound in made:
            made[word] = made.pop(bound)
    if made.pop("nullable", None) is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]


def _mean_items(made: dict[str, Any]) -> None:
    """Read an enumeration of what is in a list where it is said of the list itself."""
    options = made.get("enum")
    if made.get("type") != "array" or not isinstance(options, list):
        return
    if not any(isinstance(option, list) for option in options):
        items = made.get("items")
        del made["enum"]
        made["items"] = {**(items if isinstance(items, Mapping) else {}), "enum": options}


def _take_default(made: dict[str, Any]) -> None:
    """Accept a default: what an argument is when left out, it may also be when it is given."""
    if "default" not in made:
        return
    default, kind, options = made["default"], made.get("type"), made.get("enum")
    if isinstance(options, list) and default not in options:
        made["enum"] = [*options, default]
    if default is None and kind is not None:
        kinds = kind if isinstance(kind, list) else [kind]
        made["type"] = [*kinds, "null"] if "null" not in kinds else kinds
    elif isinstance(kind, str) and _kind_of(default) not in (kind, _WITHIN.get(kind)):
        made["type"] = [kind, _kind_of(default)]


def _kind_of(value: object) -> str:
    return _KINDS.get(type(value), "object")


_WITHIN = {"number": "integer"}
_KINDS: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    type(None): "null",
}
