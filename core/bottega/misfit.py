"""Telling a model what is wrong with its arguments, and what is expected instead."""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
# Values of any type are this file's business.

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from bottega.arguments import shorten

if TYPE_CHECKING:
    from pydantic import ValidationError

    from bottega.messages import Json

MAX_LENGTH = 2_000
"""Characters of a message: it becomes part of the conversation."""
MAX_PROBLEMS = 8

_EXPECTED = {
    "int": "an integer",
    "float": "a number",
    "string": "a string",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
    "dataclass": "an object",
    "mapping": "an object",
    "set": "a list",
    "frozen": "a list",
    "tuple": "a list",
    "none": "null",
    "finite": "a finite number",
    "datetime": "a date and time such as 2026-01-31T12:00:00",
    "date": "a date such as 2026-01-31",
    "time": "a time such as 12:00:00",
}
_TYPED = ("_type", "_parsing", "_from_float", "_number", "_required")


def describe_misfit(
    name: str, schema: Mapping[str, Json], arguments: object, error: ValidationError
) -> str:
    """Put every problem and the expected arguments in one line of bounded length."""
    problems = _problems(schema, arguments, error.errors(include_url=False, include_context=True))
    return put_together(name, schema, problems)


def put_together(name: str, schema: Mapping[str, Json], problems: Sequence[str]) -> str:
    """Write the problems and the expected arguments in one line of bounded length."""
    listed = "; ".join(problems[:MAX_PROBLEMS])
    if len(problems) > MAX_PROBLEMS:
        listed += f"; and {len(problems) - MAX_PROBLEMS} more"
    listed = shorten(listed, MAX_LENGTH // 2)
    return shorten(f"{name}: {listed}; expected: {describe_expected(schema)}", MAX_LENGTH)


def describe_expected(schema: Mapping[str, Json]) -> str:
    """Say what arguments there are: `query (string, required), k (integer, default 5)`."""
    required = schema.get("required", ())
    parts: list[str] = []
    for name, said in schema.get("properties", {}).items():
        item: Mapping[str, Json] = said if isinstance(said, Mapping) else {}
        more = "required" if name in required else "optional"
        if "default" in item:
            more = f"default {shown(item['default'])}"
        parts.append(f"{name} ({_type_name(item, schema)}, {more})")
    return ", ".join(parts) or "no arguments"


def _problems(
    schema: Mapping[str, Json], arguments: object, errors: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Say each problem once; what the branches of a union say about one value is one problem."""
    wanted: dict[str, list[str]] = {}
    got: dict[str, str] = {}
    others: list[str] = []
    for error in errors:
        kind, place = error["type"], place_of(error["loc"], arguments)
        if kind == "missing":
            owner = f" in {place!r}" if place else ""
            others.append(f"missing {str(error['loc'][-1])!r}{owner}")
        elif kind == "extra_forbidden":
            known = list(schema.get("properties", {})) if len(error["loc"]) == 1 else []
            others.append(unknown_argument(str(error["loc"][-1]), known))
        elif not place:
            others.append(f"the arguments must be one object, got {shown(arguments)}")
        else:
            texts = wanted.setdefault(place, [])
            text = _wanted(error)
            if text not in texts:
                texts.append(text)
            got[place] = shown(error["input"])
    misfits = [f"{place!r} {joined(texts)}, got {got[place]}" for place, texts in wanted.items()]
    return list(dict.fromkeys(misfits + others))


def place_of(location: Sequence[str | int], arguments: object) -> str:
    """Write the path to a value; the names of union branches are not part of it."""
    text, here = "", arguments
    for step in location:
        if isinstance(here, Mapping) and step in here:
            here = here[step]
            text += f".{step}" if text else str(step)
        elif isinstance(here, Sequence) and not isinstance(here, str) and isinstance(step, int):
            if step >= len(here):
                break
            here = here[step]
            text += f"[{step}]"
    return shorten(text)


def unknown_argument(name: str, known: Sequence[str]) -> str:
    """Name an argument that there is not, and the nearest of those that there are."""
    name = shorten(name)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    also = f", did you mean {close[0]!r}?" if close else ""
    return f"unknown argument {name!r}{also}"


def _wanted(error: Mapping[str, Any]) -> str:
    kind, message = error["type"], str(error["msg"])
    if kind.endswith(_TYPED):
        known = _EXPECTED.get(kind.split("_")[0])
        if known:
            return f"must be {known}"
    if kind in ("literal_error", "enum"):
        return f"must be {shorten(str(error['ctx']['expected']), 300)}"
    if kind == "value_error":
        return f"is not accepted ({shorten(message.removeprefix('Value error, '), 300)})"
    if message.startswith("Input should "):
        message = message.removeprefix("Input should ").replace("a valid ", "a ", 1)
        return shorten(f"must {message}", 300)
    return f"is not accepted ({shorten(message, 300)})"


def joined(texts: Sequence[str]) -> str:
    """Join what would be accepted: `must be an integer or null`."""
    first, *rest = texts
    return " or ".join([first, *(text.removeprefix("must be ") for text in rest)])


def shown(value: object) -> str:
    """Write a value as JSON, cut before it is long."""
    if isinstance(value, str):
        value = value[:100]
    if isinstance(value, (list, tuple, set)) and len(value) > 20:
        value = list(value)[:20]
    try:
        return shorten(json.dumps(value, ensure_ascii=False), 60)
    except (TypeError, ValueError, RecursionError):
        return f"a {type(value).__name__}"


def _type_name(  # noqa: PLR0911  # one for each form of a schema
    item: Mapping[str, Json], schema: Mapping[str, Json], depth: int = 0
) -> str:
    """Name a schema in a few words."""
    if "$ref" in item and depth < 4:
        name = str(item["$ref"]).rsplit("/", 1)[-1]
        target = schema.get("$defs", schema.get("definitions", {})).get(name, {})
        return _type_name(target, schema, depth + 1)
    if "const" in item:
        return shown(item["const"])
    if "enum" in item:
        return shorten("one of " + ", ".join(shown(value) for value in item["enum"]), 200)
    for key in ("anyOf", "oneOf"):
        if key in item and depth < 4:
            names = [_type_name(branch, schema, depth + 1) for branch in item[key]]
            return " or ".join(dict.fromkeys(names))
    if item.get("type") == "array":
        inner = item.get("items")
        inner = inner if isinstance(inner, Mapping) else None
        return f"list of {_type_name(inner, schema, depth + 1)}" if inner and depth < 4 else "list"
    if item.get("format") in ("date-time", "date", "time"):
        return str(item["format"])
    kind = item.get("type", "any JSON")
    return " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)
