"""What does not fit a JSON Schema, said as `bottega.misfit` says it of typed functions."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bottega.arguments import shorten
from bottega.misfit import joined, place_of, put_together, shown, unknown_argument

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

    from bottega.messages import Json

_KINDS: Mapping[str, str] = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_LIMITS: Mapping[str, str] = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "greater than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters long",
    "maxLength": "at most {} characters long",
    "minItems": "a list of at least {} items",
    "maxItems": "a list of at most {} items",
    "minProperties": "an object with at least {} members",
    "maxProperties": "an object with at most {} members",
    "pattern": "text that matches {}",
    "format": "a {}",
}


def describe(
    name: str,
    schema: Mapping[str, Json],
    arguments: Mapping[str, Json],
    errors: Iterable[ValidationError],
) -> str:
    """Put every problem and the expected arguments in one line of bounded length."""
    found = [text for error in errors for text in _problems(error, schema, arguments)]
    return put_together(name, schema, list(dict.fromkeys(found)))


def convert(arguments: dict[str, Any], errors: Iterable[ValidationError]) -> bool:
    """Put what a value means in its place, where nothing is lost by it; say whether anything was.

    A text becomes the number or truth value that it is, and what differs from one option only in
    case or in being no text becomes that option.
    """
    done = False
    for error in errors:
        kind: Any = error.kind
        if not error.instance_path or kind.name not in ("type", "enum"):
            continue
        value = (
            _option(error.instance, kind.options)
            if kind.name == "enum"
            else _value(error.instance, kind.types)
        )
        if value is not None:
            here: Any = arguments
            for step in error.instance_path[:-1]:
                here = here[step]
            here[error.instance_path[-1]] = value
            done = True
    return done


def _option(value: object, options: Sequence[Json]) -> str | None:
    """Return the one option that the value is, but for case and quotes."""
    if not isinstance(value, (str, bool, int)):
        return None
    word = str(value).strip().casefold()
    alike = [one for one in options if isinstance(one, str) and one.casefold() == word]
    return alike[0] if len(alike) == 1 else None


def _value(text: object, types: Sequence[str]) -> float | bool | None:
    """Return what the text is as one of the types; None where it is none, or loses something."""
    word = text.strip() if isinstance(text, str) else ""
    if "boolean" in types and word.lower() in ("true", "false"):
        return word.lower() == "true"
    if not 0 < len(word) <= 40 or not {"integer", "number"} & set(types):
        return None
    try:
        number: object = json.loads(word)
    except ValueError:
        return None
    if isinstance(number, float):
        return number if "number" in types and math.isfinite(number) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _problems(
    error: ValidationError, schema: Mapping[str, Json], arguments: Mapping[str, Json]
) -> list[str]:
    """Say what is wrong at one place."""
    kind: Any = error.kind
    place = place_of(error.instance_path, arguments)
    owner = f" in {place!r}" if place else ""
    if kind.name == "required":
        return [f"missing {kind.property!r}{owner}"]
    if kind.name in ("additionalProperties", "unevaluatedProperties"):
        known = list(schema.get("properties", {})) if not place else []
        return [unknown_argument(one, known) + owner for one in kind.unexpected]
    if not place:
        return [f"the arguments are not accepted ({shorten(error.message, 300)})"]
    got = shown(error.instance)
    return [f"{place!r} {joined(list(dict.fromkeys(_wanted(error))))}, got {got}"]


def _wanted(error: ValidationError) -> list[str]:
    kind: Any = error.kind
    if kind.name == "type":
        return [f"must be {_KINDS.get(one, one)}" for one in kind.types]
    if kind.name == "enum":
        return ["must be one of " + shorten(", ".join(shown(one) for one in kind.options), 300)]
    if kind.name == "const":
        return [f"must be {shown(kind.expected_value)}"]
    if kind.name in _LIMITS:
        return ["must be " + shorten(_LIMITS[kind.name].format(kind.value), 300)]
    if kind.name in ("anyOf", "oneOf") and isinstance(getattr(kind, "context", None), list):
        inner = [one for branch in kind.context for one in branch]
        at_it = [one for one in inner if one.instance_path == error.instance_path]
        return [text for one in at_it or inner[:1] for text in _wanted(one)] or _plain(error)
    return _plain(error)


def _plain(error: ValidationError) -> list[str]:
    return [f"is not accepted ({shorten(error.message, 300)})"]
