"""Saying for sure that a value fits a JSON Schema; where a schema says what is not known here, no.

A full validator may say yes more often, never less: calls that this model makes are valid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from bottega.messages import Json

DEEPEST = 12
MOST_STEPS = 5_000
_LONGEST_MATCHED = 200
_SILENT_WORDS = (
    "title description default examples deprecated readOnly writeOnly format $schema $id "
    "$comment $defs definitions contentEncoding contentMediaType"
)
_SILENT = frozenset(_SILENT_WORDS.split())
"""Keywords that refuse nothing: `format` is an annotation unless a validator is told otherwise."""
_NESTED = re.compile(r"\)[*+?{]|\\\d|\(\?")


@dataclass(slots=True)
class Root:
    """The whole schema, where references lead, and how much work may still be put into it."""

    schema: Json
    steps: int = MOST_STEPS

    def step(self) -> bool:
        """Take one step; False when there are none left. A schema may branch into itself."""
        self.steps -= 1
        return self.steps >= 0


def is_object(value: Json) -> TypeGuard[Mapping[str, Json]]:
    """Say whether a value is a JSON object."""
    return isinstance(value, Mapping)


def is_list(value: Json) -> TypeGuard[list[Json]]:
    """Say whether a value is a JSON array."""
    return isinstance(value, list)


def fits(schema: Json, value: Json, root: Root | None = None, depth: int = 0) -> bool:
    """Say whether the value is sure to satisfy the schema; `root` resolves local references."""
    if isinstance(schema, bool):
        return schema
    root = Root(schema) if root is None else root
    if not is_object(schema) or depth > DEEPEST or not root.step():
        return False
    return all(
        keyword in _SILENT or _holds(keyword, schema, value, root, depth) for keyword in schema
    )


def resolved(schema: Json, root: Root) -> Json:
    """Follow local references to where the schema itself stands; False where they lead nowhere."""
    for _ in range(DEEPEST):
        if not is_object(schema) or "$ref" not in schema:
            return schema
        schema = _target(schema["$ref"], root.schema)
    return False


def _target(reference: Json, root: Json) -> Json:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return False
    found: Json = root
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not is_object(found) or name not in found:
            return False
        found = found[name]
    return found


def _holds(keyword: str, schema: Mapping[str, Json], value: Json, root: Root, depth: int) -> bool:
    rule = schema[keyword]
    if keyword == "$ref":
        return fits(resolved(schema, root), value, root, depth + 1)
    if keyword in _COMBINED:
        return _combined(keyword, rule, value, root, depth)
    if keyword in ("properties", "required", "additionalProperties"):
        return not is_object(value) or _object(keyword, schema, value, root, depth)
    if keyword == "items":
        return not is_list(value) or all(fits(rule, item, root, depth + 1) for item in value)
    check: Callable[[Json, Json], bool] | None = _CHECKS.get(keyword)
    return check is not None and check(rule, value)


_COMBINED = ("anyOf", "oneOf", "allOf")


def _combined(keyword: str, rule: Json, value: Json, root: Root, depth: int) -> bool:
    if not is_list(rule):
        return False
    if keyword == "oneOf" and len(rule) > 1:
        return False  # "surely one" needs "surely not the others"
    met = [fits(branch, value, root, depth + 1) for branch in rule]
    return bool(met) and (all(met) if keyword == "allOf" else any(met))


def _object(
    keyword: str, schema: Mapping[str, Json], value: Mapping[str, Json], root: Root, depth: int
) -> bool:
    rule, properties = schema[keyword], schema.get("properties", {})
    if keyword == "required":
        return is_list(rule) and all(name in value for name in rule)
    if not is_object(properties):
        return False
    if keyword == "properties":
        return all(
            fits(properties[name], item, root, depth + 1)
            for name, item in value.items()
            if name in properties
        )
    others = [item for name, item in value.items() if name not in properties]
    return all(fits(rule, item, root, depth + 1) for item in others)


def _is(kind: Json, value: Json) -> bool:
    if isinstance(value, bool):
        return bool(kind == "boolean")
    if isinstance(value, int):
        return kind in ("integer", "number")
    if isinstance(value, float):
        return kind == "number" and math.isfinite(value)
    if value is None:
        return bool(kind == "null")
    if isinstance(value, str):
        return bool(kind == "string")
    return bool(kind == ("array" if is_list(value) else "object"))


def _type(rule: Json, value: Json) -> bool:
    kinds: list[Json] = rule if is_list(rule) else [rule]
    return any(_is(kind, value) for kind in kinds)


def _same(one: Json, other: Json) -> bool:
    """Compare as JSON does, of which Python thinks that True is 1."""
    return type(one) is type(other) and one == other and not isinstance(one, list | dict)


def _enum(rule: Json, value: Json) -> bool:
    return is_list(rule) and any(_same(item, value) for item in rule)


def _bound(rule: Json, value: Json, sign: int, *, open_end: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    if isinstance(rule, bool) or not isinstance(rule, int | float):
        return False
    difference = sign * (value - rule)
    return difference > 0 or (difference == 0 and not open_end)


def _size(rule: Json, size: int, sign: int) -> bool:
    whole = isinstance(rule, int) and not isinstance(rule, bool)
    return whole and sign * (size - rule) >= 0


def _text_size(rule: Json, value: Json, sign: int) -> bool:
    return not isinstance(value, str) or _size(rule, len(value), sign)


def _list_size(rule: Json, value: Json, sign: int) -> bool:
    return not is_list(value) or _size(rule, len(value), sign)


def _pattern(rule: Json, value: Json) -> bool:
    """Match short texts with plain patterns only: others could take for ever."""
    if not isinstance(value, str):
        return True
    if not isinstance(rule, str) or len(value) > _LONGEST_MATCHED or _NESTED.search(rule):
        return False
    try:
        return re.search(rule, value) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def _multiple(rule: Json, value: Json) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    whole = isinstance(rule, int) and not isinstance(rule, bool) and rule > 0
    return whole and isinstance(value, int) and value % rule == 0


def _unique(rule: Json, value: Json) -> bool:
    return rule is False or not is_list(value) or len(value) < 2


_CHECKS: dict[str, Callable[[Json, Json], bool]] = {
    "type": _type,
    "enum": _enum,
    "const": _same,
    "minimum": lambda rule, value: _bound(rule, value, 1, open_end=False),
    "maximum": lambda rule, value: _bound(rule, value, -1, open_end=False),
    "exclusiveMinimum": lambda rule, value: _bound(rule, value, 1, open_end=True),
    "exclusiveMaximum": lambda rule, value: _bound(rule, value, -1, open_end=True),
    "minLength": lambda rule, value: _text_size(rule, value, 1),
    "maxLength": lambda rule, value: _text_size(rule, value, -1),
    "minItems": lambda rule, value: _list_size(rule, value, 1),
    "maxItems": lambda rule, value: _list_size(rule, value, -1),
    "pattern": _pattern,
    "multipleOf": _multiple,
    "uniqueItems": _unique,
}
