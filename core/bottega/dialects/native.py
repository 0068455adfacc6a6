"""Tool calls as the provider's own protocol carries them.

There is no prompt here, since the model was trained on the protocol; what is left is to distrust
the reply: arguments are text until they have been parsed.
"""

from __future__ import annotations

from collections.abc import Sequence

from bottega.dialect import BadCall, Turn
from bottega.errors import ToolArgumentError
from bottega.messages import Message, ToolCall, ToolResult, assistant, tool_results
from bottega.model import RawCall, Reply, Request, Sampling, ToolSpec
from bottega.signature import parse_arguments


class Native:
    """Act by native tool calls; answer by text without any."""

    name = "native"

    def request(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], sampling: Sampling
    ) -> Request:
        """Pass conversation and tools on as they are."""
        return Request(messages=tuple(messages), tools=tuple(tools), sampling=sampling)

    def read(self, reply: Reply) -> Turn:
        """Take the calls, or else the text as the answer."""
        if reply.calls:
            return _read_calls(reply)
        if reply.text.strip():
            return Turn(thought=reply.thought, answer=reply.text.strip())
        return Turn(thought=reply.thought, problem="Your reply was empty. Call a tool or answer.")

    def replied(self, reply: Reply, turn: Turn) -> Message:
        """Keep text and calls; a call that could not be read is kept without arguments."""
        unread = [ToolCall(id=bad.id, name=bad.name) for bad in turn.bad_calls]
        return assistant(reply.text, (*turn.calls, *unread))

    def observed(self, results: Sequence[ToolResult]) -> Message:
        """Report results in the protocol's own form."""
        return tool_results(results)


def _read_calls(reply: Reply) -> Turn:
    calls: list[ToolCall] = []
    bad: list[BadCall] = []
    for raw in reply.calls:
        try:
            calls.append(_read_call(raw))
        except ToolArgumentError as error:
            bad.append(BadCall(id=raw.id, name=raw.name, problem=error.message))
    thought = "\n".join(text for text in (reply.thought.strip(), reply.text.strip()) if text)
    return Turn(thought=thought, calls=tuple(calls), bad_calls=tuple(bad))


def _read_call(raw: RawCall) -> ToolCall:
    return ToolCall(id=raw.id, name=raw.name, arguments=parse_arguments(raw.arguments or "{}"))
