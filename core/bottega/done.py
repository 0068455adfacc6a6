"""What came of one call: its result, and what the loop and the journal need to know beside it.

How a call is carried out is `bottega.actions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bottega.dialect import Turn
from bottega.messages import Json, ToolCall, ToolResult, result_from_json
from bottega.questions import Question
from bottega.secrets import mask


@dataclass(kw_only=True, slots=True)
class Done:
    """A call that was carried out, or refused."""

    result: ToolResult
    final: bool = False
    """The result is the agent's answer."""
    structured: bool = False
    """Its content is the JSON of a value."""
    misused: bool = False
    """The call itself was wrong: no such tool, or arguments that do not fit."""
    printed: str = ""
    seconds: float = 0.0
    replayed: bool = False
    recorded: bool = False
    """Its result is in the journal."""
    note: Json = None
    """What the tool wants written down with its result; see `bottega.inner_calls`."""
    question: Question | None = None
    """The call waits for a person; there is no result yet."""


def failed(call: ToolCall, problem: str) -> ToolResult:
    """Make the result of a call that did not work."""
    content = f"Error: {mask(problem)}"
    return ToolResult(call_id=call.id, name=call.name, content=content, is_error=True)


def misused(call: ToolCall, problem: str) -> Done:
    """Refuse a call that is wrong; the house says so, in the words of whoever made the call."""
    return Done(result=replace(failed(call, problem), trust="derived"), misused=True)


def replayed(recorded: Mapping[str, Any]) -> Done:
    """Read what came of a call from the journal."""
    result = result_from_json(recorded["result"])
    return Done(
        result=result,
        final=recorded["final"],
        structured=recorded.get("structured", False),
        replayed=True,
        recorded=True,
    )


def in_order(turn: Turn, done: Sequence[Done]) -> tuple[ToolResult, ...]:
    """Return the results in the order in which the model made the calls."""
    if len(done) == 1:
        return (done[0].result,)
    by_id = {item.result.call_id: item.result for item in done}
    order = [*(call.id for call in turn.calls), *(call.id for call in turn.bad_calls)]
    return tuple(by_id[name] for name in order if name in by_id)


def waits_for(questions: Sequence[Question]) -> str:
    """Say what a run waits for."""
    first = questions[0].text
    return first if len(questions) == 1 else f"{first} (and {len(questions) - 1} more questions)"
