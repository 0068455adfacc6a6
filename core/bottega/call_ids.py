"""Names for calls: unique in a conversation whatever the model gave, the same on every replay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bottega.dialect import BadCall, Turn
from bottega.messages import Message, ToolCall


class CallIds:
    """The ids that a conversation has used."""

    def __init__(self, messages: Iterable[Message], path: str, taken: Iterable[str] = ()) -> None:
        """Take the conversation, or the ids of its calls."""
        self._taken = {*taken, *(call.id for message in messages for call in message.calls)}
        # loops of one agent that run side by side must not make the same ids
        self._prefix = f"{path.rpartition('/')[0]}/" if "/" in path else ""

    def named(self, turn: Turn, step: int) -> Turn:
        """Return the turn with an id for every call, a new one where the model's cannot stand."""
        given = [call.id for call in turn.calls]
        if turn.bad_calls:
            given += [call.id for call in turn.bad_calls]
        if all(given) and len(set(given)) == len(given) and self._taken.isdisjoint(given):
            self._taken.update(given)
            return turn
        calls = tuple(replace(call, id=self._new(call, step)) for call in turn.calls)
        bad = tuple(replace(call, id=self._new(call, step)) for call in turn.bad_calls)
        return replace(turn, calls=calls, bad_calls=bad)

    def _new(self, call: ToolCall | BadCall, step: int) -> str:
        wanted = call.id or f"{self._prefix}call-{step}"
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            name = f"{wanted}-{count}"
        self._taken.add(name)
        return name
