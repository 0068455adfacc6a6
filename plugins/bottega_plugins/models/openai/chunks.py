"""The meaning of a chunk: deltas out of one parsed object of a stream, or of a whole reply.

Servers that speak the protocol differ: chunks lack ids or indexes, give one index to several
calls, or write arguments as an object. `Calls` sorts that out. Framing is `sse`; the order of
chunks is `reply`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bottega.errors import ModelReplyError
from bottega.messages import Json
from bottega.model import CallDelta, Delta, TextDelta, ThoughtDelta, Usage
from bottega_plugins.models.openai.shapes import is_array, is_object

_LONGEST_REREAD = 20_000
"""Characters of arguments up to which completeness is tested: at every piece, for some servers."""


def deltas_of(part: Mapping[str, Json], calls: Calls) -> Iterator[Delta]:
    """Yield the deltas of a chunk's `delta`, or of a whole reply's `message`."""
    thought = part.get("reasoning_content") or part.get("reasoning")
    if thought and isinstance(thought, str):
        yield ThoughtDelta(text=clean(thought))
    content = part.get("content")
    if content:
        yield from _content(content)
    refusal = part.get("refusal")
    if refusal and isinstance(refusal, str):
        yield TextDelta(text=clean(refusal))
    entries = part.get("tool_calls")
    if entries:
        yield from calls.read(entries)
    elif part.get("function_call"):  # the protocol's form of 2023, which some servers still write
        yield from calls.read({"index": 0, "function": part["function_call"]})


def usage_of(chunk: Mapping[str, Json]) -> Usage | None:
    """Return the token counts where there are any; what is no count is unknown."""
    usage = chunk.get("usage")
    if not is_object(usage):
        return None
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_cached(usage.get("prompt_tokens_details")),
    )


def cost_of(chunk: Mapping[str, Json]) -> float | None:
    """Return the US dollars that some gateways say a reply cost."""
    usage = chunk.get("usage")
    cost = usage.get("cost") if is_object(usage) else None
    if not isinstance(cost, int | float) or isinstance(cost, bool):
        return None
    return float(cost) if 0 <= cost < math.inf else None


def _cached(details: Json) -> int | None:
    return _count(details.get("cached_tokens")) if is_object(details) else None


def clean(text: str) -> str:
    """Join surrogate pairs and replace halves, which could be neither stored nor printed."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _count(value: Json) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if good else None


def _content(content: Json) -> Iterator[Delta]:
    if isinstance(content, str):
        yield TextDelta(text=clean(content))
        return
    if not is_array(content):
        raise ModelReplyError(f"the reply's content is of type {type(content).__name__}, not text")
    for part in content:
        if not is_object(part):
            continue
        if isinstance(part.get("text"), str):
            yield TextDelta(text=clean(part["text"]))
        elif is_array(part.get("thinking")):
            for piece in part["thinking"]:
                if is_object(piece) and isinstance(piece.get("text"), str):
                    yield ThoughtDelta(text=clean(piece["text"]))


@dataclass(slots=True)
class _Slot:
    """A call under way."""

    number: int
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, arguments: str) -> None:
        self.pieces.append(arguments)
        self.size += len(arguments)

    def complete(self) -> bool:
        """Whether the arguments so far are a whole JSON text; long ones are not looked at again."""
        if self.size > _LONGEST_REREAD:
            return False
        try:
            json.loads("".join(self.pieces))
        except (ValueError, RecursionError):
            return False
        return True


class Calls:
    """Which call a piece belongs to: by id, by index, or else to the one before."""

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._by_index: dict[Json, _Slot] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def read(self, entries: Json) -> Iterator[CallDelta]:
        """Yield the deltas of a `tool_calls` list."""
        for entry in entries if is_array(entries) else [entries]:
            if not is_object(entry):
                raise ModelReplyError(f"a tool call is of type {type(entry).__name__}, not object")
            yield self._read(entry)

    def _read(self, entry: Mapping[str, Json]) -> CallDelta:
        function = entry.get("function")
        function = function if is_object(function) else {}
        given = entry.get("id")
        call_id = clean(str(given)) if given is not None else ""
        name = function.get("name")
        name = clean(name) if isinstance(name, str) else ""
        arguments = _arguments(function.get("arguments"))
        index = entry.get("index")
        index = index if isinstance(index, int) else None
        slot = self._find(index, call_id, name, arguments)
        new_id = "" if slot.id else call_id
        new_name = "" if slot.name else name
        slot.id, slot.name = slot.id or call_id, slot.name or name
        slot.add(arguments)
        return CallDelta(index=slot.number, id=new_id, name=new_name, arguments=arguments)

    def _find(self, index: int | None, call_id: str, name: str, arguments: str) -> _Slot:
        known = self._by_index.get(index) if index is not None else self._last(call_id, name)
        if known is None or _is_another(known, call_id, name, arguments):
            known = _Slot(len(self._slots))
            self._slots.append(known)
        if index is not None:
            self._by_index[index] = known
        return known

    def _last(self, call_id: str, name: str) -> _Slot | None:
        """Return the call of that id, or the last one when nothing says that a new one begins."""
        same = next((slot for slot in self._slots if call_id and slot.id == call_id), None)
        if same is not None or not self._slots:
            return same
        return None if call_id and name else self._slots[-1]


def _is_another(slot: _Slot, call_id: str, name: str, arguments: str) -> bool:
    """Return whether a piece begins a new call though it came under the index of `slot`.

    A new id with a name begins one; a new id alone does not, since some servers make one for every
    piece. Without an id, another name begins one, and so does the same name over again once the
    arguments are complete.
    """
    if not name or not slot.name:
        return False
    if call_id and slot.id:
        return call_id != slot.id
    if name != slot.name:
        return True
    return bool(arguments.strip()) and slot.complete()


def _arguments(value: Json) -> str:
    """Return the arguments' JSON text, also where the server wrote them as plain JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    return clean(json.dumps(value, ensure_ascii=False))
