"""How much of a plan is used up: which call was which planned one.

Calls that this process made are remembered by their ids; what an earlier process made before a
crash is read from the conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from bottega.intentions import Intention
from bottega.labels import Conversation
from bottega.messages import ToolCall
from bottega_plugins.guards.flow.plan import intentions, misfit

NOT_PLANNED = "it is not in the plan that was made before untrusted content was read"
USED_UP = "it was made as often as the plan says"


class Book:
    """The plans of all conversations at work, and what was made of them."""

    def __init__(self) -> None:
        self._granted: WeakKeyDictionary[Conversation, dict[str, int]] = WeakKeyDictionary()

    def enter(self, call: ToolCall, conversation: Conversation) -> tuple[Intention | None, str]:
        """Use up the planned call that this one is; where there is none, say why not.

        Nothing is said where there is no plan at all.
        """
        plan = intentions(conversation)
        if not plan:
            return None, ""
        granted = self._granted.setdefault(conversation, {})
        left = [one.times for one in plan]
        for index in granted.values():
            left[index] -= 1
        for earlier in _made(conversation):
            if earlier.id not in granted:
                _use(earlier.name, earlier.arguments, left, plan, conversation)
        entry = _use(call.name, call.arguments, left, plan, conversation)
        if entry is None:
            return None, _why(call, left, plan, conversation)
        granted[call.id] = entry
        return plan[entry], ""

    def cross_out(self, call: ToolCall, conversation: Conversation) -> None:
        """Take back what was entered for a call that was not made after all."""
        self._granted.get(conversation, {}).pop(call.id, None)


def _made(conversation: Conversation) -> Iterator[ToolCall]:
    """Yield the calls of the conversation that worked, in order."""
    worked = {
        result.call_id
        for message in conversation.messages
        for result in message.results
        if not result.is_error
    }
    for message in conversation.messages:
        yield from (call for call in message.calls if call.id in worked)


def _use(
    name: str,
    arguments: Mapping[str, Any],
    left: list[int],
    plan: Sequence[Intention],
    conversation: Conversation,
) -> int | None:
    """Take the first planned call that is left and fits; return which."""
    for index, one in enumerate(plan):
        if left[index] > 0 and one.tool == name and not misfit(arguments, one, conversation):
            left[index] -= 1
            return index
    return None


def _why(
    call: ToolCall, left: Sequence[int], plan: Sequence[Intention], conversation: Conversation
) -> str:
    """Say how the call differs from what was planned."""
    same = [index for index, one in enumerate(plan) if one.tool == call.name]
    if not same:
        return NOT_PLANNED
    open_ones = [plan[index] for index in same if left[index] > 0]
    problems = (misfit(call.arguments, one, conversation) for one in open_ones)
    return next(filter(None, problems), USED_UP)
