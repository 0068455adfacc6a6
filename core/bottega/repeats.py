"""Noticing an agent that does the same thing again and again and learns nothing new from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bottega.dialect import Dialect
from bottega.encoder import writer
from bottega.errors import StuckError
from bottega.messages import Json, Message, ToolCall, ToolResult
from bottega.model import Reply

WARN_REPEATS = 2
"""A call that gave the same result so often is not made again while nothing new comes of others."""
REPEATED = (
    "not carried out: the same call gave the same result before. Do something else, or answer."
)
LONGEST = 200
"""Characters of a call that are told."""


@dataclass(slots=True)
class Repeats:
    """What calls have given, and for how many turns nothing new has come of any."""

    stale: int = 0
    """Turns in a row in which every call gave what it had given before."""
    _results: dict[str, str] = field(default_factory=dict[str, str])
    _times: dict[str, int] = field(default_factory=dict[str, int])
    _last: Sequence[ToolCall] = ()

    @staticmethod
    def of(messages: Sequence[Message], dialect: Dialect) -> Repeats:
        """Return what a conversation has repeated since somebody last asked for something."""
        asked = [n for n, one in enumerate(messages) if one.role == "user" and not one.results]
        begun = messages[asked[-1] + 1 if asked else 0 :]
        repeats = Repeats()
        for said, heard in pairwise(begun):
            calls = said.calls or dialect.read(Reply(text=said.text)).calls
            if said.role == "assistant" and calls and heard.results:
                repeats.note(calls, heard.results)
        return repeats

    @property
    def count(self) -> int:
        """How often in a row the same was done, the first time counted."""
        return self.stale + 1

    def stuck(self, calls: Iterable[ToolCall]) -> bool:
        """Say whether these calls have been made often enough."""
        if not self.stale:
            return False
        times = [self._times.get(_key(call), 0) for call in calls]
        return bool(times) and min(times) >= WARN_REPEATS

    def note(self, calls: Sequence[ToolCall], results: Iterable[ToolResult]) -> None:
        """Take in what came of a turn."""
        by_id = {result.call_id: result for result in results}
        by_place = list(by_id.values())
        news = False
        for place, call in enumerate(calls):
            result = by_id.get(call.id) or (by_place[place] if place < len(by_place) else None)
            news |= result is not None and self._is_news(_key(call), result.content)
        self._last = calls
        self.stale = 0 if news else self.stale + 1

    def _is_news(self, key: str, content: str) -> bool:
        refused = content.endswith(REPEATED)
        if refused or self._results.get(key) == content:
            self._times[key] = self._times.get(key, 0) + 1
            return False
        self._results[key], self._times[key] = content, 1
        return True

    def told(self, who: str, calls: Iterable[ToolCall] | None = None) -> str:
        """Say who did what, and how often."""
        made = list(self._last if calls is None else calls)
        what = " and ".join(dict.fromkeys(map(_shown, made)))
        times = self._fewest(made)
        return f"{who} called {what} {times} times, and nothing new came of it"

    def check(self, who: str, most: int | None) -> None:
        """Raise StuckError when the same was done `most` times in a row."""
        if most is None or self.count < most:
            return
        told = self.told(who)
        if self._fewest(self._last) != self.count:  # it went round in several calls
            shown = " and ".join(dict.fromkeys(map(_shown, self._last)))
            told = (
                f"{who} called {shown} and others in {self.count} turns in a row, and nothing new "
                f"came of the last {self.stale}"
            )
        raise StuckError(told, most, self.count)

    def _fewest(self, made: Iterable[ToolCall]) -> int:
        return min((self._times.get(_key(call), 1) for call in made), default=1)


_encode = writer(sort_keys=True, default=str)


def _key(call: ToolCall) -> str:
    """Return what makes two calls the same: tool and arguments."""
    return f"{call.name} {_written(call.arguments)}"


def _written(arguments: Mapping[str, Json]) -> str:
    return _encode(dict(arguments))


def _shown(call: ToolCall) -> str:
    text = f"{call.name}({_written(call.arguments)})"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
