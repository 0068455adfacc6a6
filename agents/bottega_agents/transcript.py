"""A node's conversation, as it lies in the state between two visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bottega.loop import Loop
from bottega.messages import (
    Message,
    ToolCall,
    ToolResult,
    message_from_json,
    message_to_json,
    part_from_json,
    part_to_json,
    result_from_json,
    result_to_json,
)


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """What a node needs to go on where it was."""

    run: str
    step: int
    messages: Sequence[Message]
    handed_on: Sequence[ToolCall] = ()
    """Calls of the last turn that others carry out."""
    results: Sequence[ToolResult] = ()
    """Results of the last turn that were there at once."""

    @staticmethod
    def of(loop: Loop) -> Transcript:
        """Return where a loop has come to."""
        return Transcript(
            run=loop.run.run_id,
            step=loop.step,
            messages=loop.messages,
            handed_on=loop.outcome.handed_on,
            results=loop.outcome.results,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the transcript as plain JSON values."""
        return {
            "run": self.run,
            "step": self.step,
            "messages": [message_to_json(message) for message in self.messages],
            "handed_on": [part_to_json(call) for call in self.handed_on],
            "results": [result_to_json(result) for result in self.results],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Transcript:
        """Read what `to_json` wrote."""
        calls = [part_from_json(call) for call in data["handed_on"]]
        return Transcript(
            run=data["run"],
            step=data["step"],
            messages=[message_from_json(message) for message in data["messages"]],
            handed_on=[call for call in calls if isinstance(call, ToolCall)],
            results=[result_from_json(result) for result in data["results"]],
        )
