"""Noticing an agent that does the same thing again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bottega.messages import Json, ToolCall, ToolResult

WARN_REPEATS = 2
"""The same calls with the same results so often in a row are not made again; the model is told."""
REPEATED = (
    "not carried out: the same call gave the same result before. Do something else, or answer."
)


@dataclass(slots=True)
class Repeats:
    """How often in a row the same calls gave the same results."""

    count: int = 0
    _calls: Sequence[tuple[str, Mapping[str, Json]]] = ()
    _contents: Sequence[str] = ()

    def stuck(self, calls: Sequence[ToolCall]) -> bool:
        """Say whether these calls have been made often enough."""
        return self.count >= WARN_REPEATS and self._calls == _what(calls)

    def note(self, calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> None:
        """Take in what came of a turn."""
        what = _what(calls)
        contents = [result.content for result in results]
        refused = any(content.endswith(REPEATED) for content in contents)
        if what == self._calls and (refused or contents == self._contents):
            self.count += 1
        else:
            self._calls, self.count = what, 1
        if not refused:
            self._contents = contents


def _what(calls: Sequence[ToolCall]) -> list[tuple[str, Mapping[str, Json]]]:
    """Return what makes two turns the same: tools and arguments."""
    return [(call.name, call.arguments) for call in calls]
