"""What all events are: of a run, a node, a moment; frozen; the same after a trip through JSON."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from bottega.encoder import writer
from bottega.messages import Citation, Json, citation_to_json

Status = Literal["done", "failed", "budget", "waiting", "cancelled"]
"""How a run ended: `budget` by a limit, `waiting` for a person, `cancelled` by the caller."""

_KINDS: dict[str, type[Event]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Anything that a run reports; see the subclasses."""

    kind: ClassVar[str] = "event"

    run_id: str = ""
    node: str = ""
    """Which node of the graph speaks; the agent's name when it runs alone."""
    step: int = 0
    """The node's step, counted from 1; 0 outside steps."""
    time: float = 0.0
    """Seconds since the epoch (UTC)."""

    def to_json(self) -> dict[str, Json]:
        """Return the event as a JSON object with its `kind`."""
        names, values = _FIELDS.get(type(self)) or _fields(type(self))
        data: dict[str, Json] = dict(zip(names, values(self), strict=True))
        if "citations" in data:
            data["citations"] = [citation_to_json(item) for item in data["citations"]]
        return data

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> Event:
        """Read what `to_json` wrote. Raises KeyError for a kind that is not known."""
        kind = _KINDS[data["kind"]]
        names, _ = _fields(kind)
        fields = {name: data[name] for name in names[1:] if name in data}
        if "citations" in fields:
            fields["citations"] = tuple(Citation(**item) for item in fields["citations"])
        return kind(**fields)

    def dumps(self) -> str:
        """Return the event as one line of JSON, safe to print: escapes are ASCII."""
        return _encode(self.to_json())


_encode = writer(separators=(",", ":"), allow_nan=False)
_FIELDS: dict[type, tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]] = {}


def _fields(kind: type[Event]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return `kind` and the names of its fields, and what reads them all: once a kind."""
    known = _FIELDS.get(kind)
    if known is None:
        names = ("kind", *(f.name for f in dataclasses.fields(kind)))
        known = _FIELDS[kind] = (names, operator.attrgetter(*names))
    return known


def register(*kinds: type[Event]) -> None:
    """Make kinds known to those who read events from JSON."""
    _KINDS.update((kind.kind, kind) for kind in kinds)
