"""A dialect that reads a plan written as text as the call that it should have been.

Small models, and those that were told to write JSON, give their plan as the answer. Everything else
is as the dialect around which this one stands has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from bottega.dialect import Dialect, Turn
from bottega.json_object import find_object
from bottega.messages import Json, Message, ToolCall, ToolResult
from bottega.model import Reply, Request, Sampling, ToolSpec
from bottega_agents.planning.make_plan import NAME


class WrittenPlans:
    """Take an answer that is a JSON object with `tasks` for a call of `make_plan`."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.name = dialect.name

    def request(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], sampling: Sampling
    ) -> Request:
        """Put the conversation so far into a request."""
        return self._dialect.request(messages, tools, sampling)

    def read(self, reply: Reply) -> Turn:
        """Read a reply; a plan in it is a call."""
        turn = self._dialect.read(reply)
        plan = _plan_in(turn.answer or "")
        if plan is None:
            return turn
        return replace(turn, answer=None, calls=(ToolCall(id="", name=NAME, arguments=plan),))

    def replied(self, reply: Reply, turn: Turn) -> Message:
        """Return the reply as it enters the conversation."""
        return self._dialect.replied(reply, turn)

    def observed(self, results: Sequence[ToolResult]) -> Message:
        """Return results as the model gets to read them."""
        return self._dialect.observed(results)


def _plan_in(text: str) -> dict[str, Json] | None:
    """Return the plan that a text holds, wherever in it; None where there is none."""
    if '"tasks"' not in text:
        return None
    data = find_object(text)
    inner = data.get("plan")
    plan = cast("dict[str, Json]", inner) if isinstance(inner, dict) else data
    return plan if isinstance(plan.get("tasks"), list) else None
