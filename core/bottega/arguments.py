"""Reading the arguments of a call from the text that a model wrote.

Strict, and safe on anything: the limits hold before a parser recurses or allocates. Whether the
arguments fit a tool is `bottega.signature`; forgiving sloppy text is a dialect's business.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, cast

from bottega.errors import ToolArgumentError
from bottega.messages import Json

MAX_SIZE = 1_000_000
"""Characters of JSON text."""
MAX_DEPTH = 64
"""Lists and objects inside each other."""

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[][{}]', re.DOTALL)


def parse_arguments(text: str) -> dict[str, Json]:
    """Read one JSON object. Raises ToolArgumentError saying what is wrong with the text.

    Refused: other values than an object, duplicate keys, NaN and infinities, more than `MAX_SIZE`
    characters, more than `MAX_DEPTH` levels. Lone surrogates are kept.
    """
    if len(text) > MAX_SIZE:
        raise ToolArgumentError(
            f"the arguments are {len(text):,} characters long; at most {MAX_SIZE:,} are read"
        )
    _check_depth(text)
    try:
        value = _DECODER.decode(text.removeprefix("\ufeff"))
    except ToolArgumentError:
        raise
    except json.JSONDecodeError as error:
        raise ToolArgumentError(_not_json(text, error)) from None
    except ValueError as error:  # an integer of thousands of digits
        raise ToolArgumentError(
            f"the arguments hold a number that cannot be read: {error}"
        ) from None
    if not isinstance(value, dict):
        raise ToolArgumentError(
            f"the arguments must be one JSON object, got {json_kind(value)}: {shorten(text)}"
        )
    return cast("dict[str, Json]", value)


def json_kind(value: object) -> str:
    """Return what JSON calls a value of this type, with its article."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def shorten(text: str, limit: int = 80) -> str:
    """Cut the text to the limit, marking the cut."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


_KINDS: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _check_depth(text: str) -> None:
    """Count brackets outside strings; json.loads would recurse first and ask later."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKETS.finditer(text):
        bracket = match[0]
        if bracket in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ToolArgumentError(
                    f"the arguments are nested more than {MAX_DEPTH} levels deep"
                )
        elif bracket in "]}":
            depth -= 1


def _not_json(text: str, error: json.JSONDecodeError) -> str:
    start = max(0, error.pos - 20)
    near = shorten(text[start : error.pos + 20], 40)
    place = (
        f"line {error.lineno}, column {error.colno}, near {near!r}" if text else "no text at all"
    )
    problem = error.msg.removesuffix(" at")
    return f"the arguments are not JSON: {problem} at {place}; write one JSON object"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ToolArgumentError(f"the arguments name {shorten(twice)!r} twice in one object")
    return found


def _constant(name: str) -> float:
    raise ToolArgumentError(f"the arguments hold {name}, which is not a JSON number")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ToolArgumentError(f"the number {shorten(text)} is too large")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_number
)
