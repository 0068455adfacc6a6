"""The calls that an agent means to make, said before it reads what others wrote.

    [{"tool": "pay", "arguments": {"to": "GB29 ...",
                                   "amount": {"from": "list_bills", "field": "total",
                                              "where": {"month": "March"}}}}]

An argument is a value, or a place: where the value will be read, and how it is picked there. So the
plan, not what is read, says what happens to whom (Debenedetti et al. 2025, "Defeating Prompt
Injections by Design", arXiv 2503.18813). Holding calls to such a plan is a policy's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from bottega.errors import InputError, suggest
from bottega.messages import Json

PLAN_CALLS = "plan_calls"
"""The tool by which an agent says them."""
TAKEN_DOWN = "The plan is taken down: "
"""What its result begins with; the plan follows as JSON."""
MOST_CALLS = 100
Shape = Literal["", "text", "number", "date", "email", "url", "iban"]
_KEYS = ("from", "field", "where", "most", "least", "shape", "each")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an argument's value will be read."""

    tool: str
    """The tool whose result holds it."""
    key: str = ""
    """The key in the records of a structured result; the value is all of it, not a part."""
    where: Mapping[str, Json] = field(default_factory=dict[str, Json], hash=False)
    """Only records with these values count."""
    most: str = ""
    """Of those, the one with the largest value of this key."""
    least: str = ""
    shape: Shape = ""
    """Without a key: what kind of value the text holds. `text` is any text, `number` any number:
    for what nothing can be misdirected with."""
    each: bool = False
    """Any of the values that are found may be used; else there must be but one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intention:
    """A call that is meant to be made."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    """Values, in which a `Place` may stand for any part."""
    times: int = 1
    """How often at most."""


def read_intentions(items: Sequence[Json]) -> tuple[Intention, ...]:
    """Read what an agent wrote. Raises InputError for what is no list of calls."""
    if len(items) > MOST_CALLS:
        raise InputError(f"{len(items)} calls are planned, at most {MOST_CALLS} can be")
    return tuple(map(_intention, items))


def _intention(item: Json) -> Intention:
    if not isinstance(item, Mapping):
        raise InputError(f"{item!r} is no call", hint='write {"tool": ..., "arguments": {...}}')
    given = cast("Mapping[str, Json]", item)
    _check_keys(given, ("tool", "arguments", "times"), "a planned call")
    tool, arguments = given.get("tool"), given.get("arguments", {})
    if not isinstance(tool, str) or not tool or not isinstance(arguments, Mapping):
        raise InputError(f"{item!r} is no call", hint="it needs a tool, and arguments by name")
    times = given.get("times", 1)
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        raise InputError(f"{tool}: times must be a number of at least 1, not {times!r}")
    named = cast("Mapping[str, Json]", arguments)
    read = {name: _argument(value, f"{tool}.{name}") for name, value in named.items()}
    return Intention(tool=tool, arguments=read, times=times)


def _argument(value: Json, label: str) -> Any:
    if isinstance(value, Mapping):
        given = cast("Mapping[str, Json]", value)
        if "from" in given:
            return _place(given, label)
        return {key: _argument(one, label) for key, one in given.items()}
    if isinstance(value, list):
        return [_argument(one, label) for one in cast("Sequence[Json]", value)]
    return value


def _place(given: Mapping[str, Json], label: str) -> Place:
    _check_keys(given, _KEYS, label)
    texts = {key: given.get(key, "") for key in ("from", "field", "most", "least", "shape")}
    where, each = given.get("where", {}), given.get("each", False)
    fits = all(isinstance(text, str) for text in texts.values())
    if not fits or not isinstance(where, Mapping) or not isinstance(each, bool):
        raise InputError(f"{label}: {dict(given)!r} is no place", hint=f"keys: {', '.join(_KEYS)}")
    shape = cast("Shape", texts["shape"])
    if shape not in get_args(Shape):
        known = ", ".join(one for one in get_args(Shape) if one)
        raise InputError(f"{label}: unknown shape {shape!r}", hint=f"known: {known}")
    if not texts["field"] and not shape:
        raise InputError(f"{label}: a place needs a field or a shape")
    return Place(
        tool=str(texts["from"]),
        key=str(texts["field"]),
        where=cast("Mapping[str, Json]", where),
        most=str(texts["most"]),
        least=str(texts["least"]),
        shape=shape,
        each=each,
    )


def _check_keys(given: Mapping[str, Json], known: Sequence[str], label: str) -> None:
    for key in given:
        if key not in known:
            raise InputError(f"{label}: unknown key {key!r}; {suggest(str(key), known)}")
