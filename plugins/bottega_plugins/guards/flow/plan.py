"""Calls that a plan allows: made before anything untrusted was read, each as often as it says.

The plan is read where it stands in the conversation, so it survives whatever the conversation
survives. An argument that the plan leaves to be read must be what stands in that place, and the
only one there unless the plan says otherwise: what is read fills in values, and chooses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

from bottega.intentions import PLAN_CALLS, TAKEN_DOWN, Intention, Place, read_intentions
from bottega.labels import Conversation, described_by_strangers, tainted
from bottega.messages import ToolResult
from bottega_plugins.guards.flow.values import (
    SHAPES,
    days,
    keys,
    leaves,
    number,
    occurs,
    plain,
    same,
)

TARGETS = ("email", "url", "iban")
"""Shapes of what says where something goes."""
FREE = ("text", "number")
"""Shapes that hold nothing back."""
LOOSE = "is taken from running text, and so is what it gets: only a person can allow that"
_SHOWN = 60


def intentions(conversation: Conversation) -> list[Intention]:
    """Return what was planned before anything untrusted was read."""
    if described_by_strangers(conversation.tools):
        return []
    found: list[Intention] = []
    for message in conversation.messages:
        for result in message.results:
            if _is_plan(result):
                found += _read(result)
        if tainted([message]):
            break
    return found


def _is_plan(result: ToolResult) -> bool:
    """Say whether it holds the model's own words: a stranger's tool may have that name, too."""
    return result.name == PLAN_CALLS and result.trust == "derived" and not result.is_error


def _read(result: ToolResult) -> Sequence[Intention]:
    planned = _data(result.content.removeprefix(TAKEN_DOWN))
    return read_intentions(cast("Sequence[Any]", planned)) if isinstance(planned, list) else ()


def misfit(call: Mapping[str, Any], intention: Intention, conversation: Conversation) -> str:
    """Say which argument is not as planned; nothing where the call is the planned one."""
    planned = intention.arguments
    if is_loose(intention):
        return LOOSE
    for name in (*call, *(key for key in planned if key not in call)):
        if name not in planned:
            problem = "" if call[name] is None else "is not in the plan"
        else:
            problem = _differs(call.get(name), planned[name], conversation)
        if problem:
            return f"argument {name}={_shown(call.get(name))} {problem}"
    return ""


def is_loose(intention: Intention) -> bool:
    """Say whether running text is to choose both whom the call concerns and what they get.

    Whoever writes such a text, as a bill, writes the whole call.
    """
    shapes = {one.shape for _, one in leaves(intention.arguments) if isinstance(one, Place)}
    return not shapes.isdisjoint(TARGETS) and not shapes.isdisjoint(FREE)


def _differs(value: Any, planned: Any, conversation: Conversation) -> str:
    """Say what is wrong with a value; nothing where it is as planned."""
    if isinstance(planned, Place):
        return _misplaced(value, planned, conversation)
    if isinstance(planned, Mapping) and isinstance(value, Mapping):
        one, other = cast("Mapping[str, Any]", value), cast("Mapping[str, Any]", planned)
        if one.keys() != other.keys():
            return "has other keys than planned"
        return next(
            filter(None, (_differs(one[key], other[key], conversation) for key in other)), ""
        )
    if isinstance(planned, list) and isinstance(value, list):
        given, wanted = cast("Sequence[Any]", value), cast("Sequence[Any]", planned)
        if len(given) != len(wanted):
            return f"has {len(given)} items, planned are {len(wanted)}"
        pairs = zip(given, wanted, strict=True)
        return next(filter(None, (_differs(a, b, conversation) for a, b in pairs)), "")
    said = cast("object", planned)
    return "" if same(value, said) else f"was planned as {_shown(planned)}"


def _misplaced(value: Any, place: Place, conversation: Conversation) -> str:
    """Say why a value may not stand where the plan has a place."""
    if place.shape == "text":
        return "" if isinstance(value, str) else "was planned as a text"
    if place.shape == "number":
        return "" if number(value) is not None else "was planned as a number"
    found = offered(place, conversation)
    if not found:
        return f"was to come from {place.tool}, which offers no such value"
    if len(found) > 1 and not place.each:
        return f"was to be the one value from {place.tool}, which offers {len(found)}"
    given = [one for _, one in leaves(value)]
    named = {key for _, key in keys(value, ".")}
    if given and all(any(same(one, held) for held in found) for one in given):
        strange = named - {
            key for cell in _cells(place, conversation) for _, key in keys(cell, ".")
        }
        return f"has a key that {place.tool} does not" if strange else ""
    return f"is not what the plan picks from {place.tool}"


def offered(place: Place, conversation: Conversation) -> list[Any]:
    """Return the values that stand in the place, each once."""
    found: list[Any] = []
    for value in _offered(place, conversation):
        if not any(same(value, one) for one in found):
            found.append(value)
    return found


def _offered(place: Place, conversation: Conversation) -> Iterator[Any]:
    if not place.key:
        for result in _results(place, conversation):
            yield from _shaped(result, place.shape)
        return
    for cell in _cells(place, conversation):
        for _, value in leaves(cell):
            yield from _shaped(value, place.shape)


def _cells(place: Place, conversation: Conversation) -> Iterator[Any]:
    """Yield what the picked records have under the place's key."""
    results = map(_data, _results(place, conversation) if place.key else ())
    records = [one for result in results for one in _records(result) if place.key in one]
    for record in _picked(_chosen(records, place.where), place):
        yield record[place.key]


def _results(place: Place, conversation: Conversation) -> Iterator[str]:
    for message in conversation.messages:
        for result in message.results:
            if result.name == place.tool and not result.is_error:
                yield conversation.content(result)


def _data(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _records(data: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object in what a tool returned."""
    if isinstance(data, Mapping):
        record = cast("Mapping[str, Any]", data)
        yield record
        for one in record.values():
            yield from _records(one)
    elif isinstance(data, list):
        for one in cast("Sequence[Any]", data):
            yield from _records(one)


def _chosen(records: list[Mapping[str, Any]], where: Mapping[str, Any]) -> list[Any]:
    """Return the records that have these values; where none has one, those whose texts hold it."""
    for key, value in where.items():
        exact = [one for one in records if _any(one.get(key), partial(same, value))]
        records = exact or [one for one in records if _any(one.get(key), partial(_says, value))]
    return records


def _any(value: Any, fits: Callable[[Any], bool]) -> bool:
    """Say whether a value, or an item of it, fits."""
    return any(fits(one) for _, one in leaves(value))


def _says(words: Any, text: Any) -> bool:
    return isinstance(text, str) and isinstance(words, str) and occurs(words, text)


def _picked(records: list[Mapping[str, Any]], place: Place) -> list[Mapping[str, Any]]:
    """Return the records with the largest or smallest value, or all."""
    key = place.most or place.least
    if not key:
        return records
    ranked = [(_rank(record[key]), record) for record in records if key in record]
    if not ranked:
        return []
    best = (max if place.most else min)(rank for rank, _ in ranked)
    return [record for rank, record in ranked if rank == best]


def _rank(value: Any) -> tuple[int, Any]:
    counted = number(value)
    return (1, counted) if counted is not None else (0, plain(str(value)))


def _shaped(value: Any, shape: str) -> Iterator[Any]:
    """Yield the value, or of a text what has the shape."""
    if shape == "date":
        yield from days(str(value))
    if shape in SHAPES:
        yield from (match[0] for match in SHAPES[shape].finditer(str(value)))
    else:
        yield value


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
