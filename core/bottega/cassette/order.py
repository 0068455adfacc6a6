"""The events of a run in the order in which they were recorded.

Nothing takes time when a cassette is played, so that parallel branches come in another order. Each
event is held back until those are out that were before it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping

from bottega.cassette.divergence import CassetteError
from bottega.cassette.player import Line, Player
from bottega.events import Event
from bottega.messages import Json
from bottega.place import place

Emit = Callable[[Event], None]


def event_name(event: Event) -> str:
    """Name an event by what it is, not by what it says: `observation 2 call-2`."""
    name = getattr(event, "call_id", "")
    return " ".join(part for part in (event.kind, str(event.step), str(name)) if part)


class Ordered:
    """One run's events on their way out."""

    def __init__(self, player: Player, run: str, emit: Emit) -> None:
        self._player = player
        self._expected: deque[Line] = player.events[run]
        self._held: dict[tuple[str, str], deque[Event]] = defaultdict(deque)
        self._emit = emit

    def put(self, event: Event) -> None:
        """Take an event, and let those go whose turn it is."""
        at, name = place(), event_name(event)
        self._held[at, name].append(event)
        self._player.happened(at, name)
        while self._expected:
            line = self._expected[0][1]
            waiting = self._held.get((line["at"], line["is"]))
            if not waiting:
                break
            self._expected.popleft()
            self._emit(waiting.popleft())

    def finish(self) -> CassetteError | None:
        """Return what is wrong when the run is over: an event too many, or one that is missing."""
        held = [key for key, events in self._held.items() if events]
        if self._expected:
            number, line = self._expected[0]
            came = f"; {_told(*held[0])} came instead" if held else ""
            return CassetteError(f"line {number}: {_missing(line)} did not come{came}")
        return CassetteError(f"{_told(*held[0])} was not recorded") if held else None


def _missing(line: Mapping[str, Json]) -> str:
    return _told(line["at"], line["is"])


def _told(at: str, name: str) -> str:
    return f"the event {name!r} at {at!r}"
