"""What calls within calls have read: no message has it, and the agent has read it all the same.

Code that a model wrote may read a page and send it on within one step, or keep it for the next.
Whoever judges a call by what was read before sees these results beside the conversation's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from bottega.messages import (
    Json,
    Message,
    ToolCall,
    ToolResult,
    assistant,
    result_from_json,
    tool_results,
)


class Heard(Sequence[Message]):
    """A conversation, and after it the calls within its calls with their results; live."""

    def __init__(self, messages: Sequence[Message], entries: Mapping[str, Json]) -> None:
        """Take the conversation, and what a journal knows of calls within finished calls."""
        self._messages = messages
        self._within: list[Message] = []
        for key, asked in entries.items():
            step, _, rest = key.partition("/inner/")
            outer, _, number = rest.rpartition("/")
            came = entries.get(f"{step}/result/{outer}/{number}") if outer else None
            if came is not None and f"{step}/result/{outer}" in entries:
                call = ToolCall(
                    id=f"{outer}/{number}", name=asked["name"], arguments=asked["arguments"]
                )
                self.add(call, result_from_json(came["result"]))

    def add(self, call: ToolCall, result: ToolResult) -> None:
        """Take in a call and what came of it."""
        self._within += [assistant(calls=(call,)), tool_results((result,))]

    def __len__(self) -> int:
        return len(self._messages) + len(self._within)

    def __iter__(self) -> Iterator[Message]:
        yield from self._messages
        yield from self._within

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | Sequence[Message]:
        return [*self._messages, *self._within][index]
