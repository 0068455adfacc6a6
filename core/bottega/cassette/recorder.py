"""Writing down a run as it happens: what was asked, what came, what was drawn, in which order."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

from bottega.cassette.came import CUT, error_to_json
from bottega.chance import Draw
from bottega.errors import BottegaError
from bottega.messages import Json
from bottega.place import place


class Recorder:
    """The lines of a cassette that is being recorded."""

    replays = False

    def __init__(self) -> None:
        self._lines: list[dict[str, Json]] = []
        self._drawn: dict[str, dict[str, list[Json]]] = {}
        self._lock = threading.Lock()

    def lines(self) -> list[dict[str, Json]]:
        """Return all that was recorded: what happened in order, then what was drawn, by place."""
        drawn = [{"kind": "drawn", "at": at, **drawn} for at, drawn in self._drawn.items()]
        return [*self._lines, *drawn]

    def begin(self, at: str, told: Json) -> Json:
        """Note that a run begins."""
        self._lines.append({"kind": "run", "at": at, "asked": told})
        return told

    async def call(self, kind: str, asked: Json, make: Callable[[], Awaitable[Json]]) -> Json:
        """Make the call and note what came of it; the error, when that was one of ours."""
        at = place()
        try:
            came = await make()
        except BottegaError as error:
            self.note(kind, at, asked, {"error": error_to_json(error)})
            raise
        except BaseException:
            self.note(kind, at, asked, CUT)
            raise
        self.note(kind, at, asked, came)
        return came

    def note(self, kind: str, at: str, asked: Json, came: Json) -> None:
        """Note a call."""
        self._lines.append({"kind": kind, "at": at, "asked": asked, "came": came})

    def passed(self, at: str, name: str) -> None:
        """Note that an event was sent."""
        self._lines.append({"kind": "event", "at": at, "is": name})

    def draw(self, what: Draw, fresh: Callable[[], Any]) -> Any:
        """Draw, and note what came."""
        value = fresh()
        with self._lock:
            drawn = self._drawn.setdefault(place(), {})
            drawn.setdefault(what, []).append(value)
        return value
