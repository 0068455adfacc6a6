"""A conversation, put together again from the journal.

The journal is the one place where what was said is kept: model replies and results, once each.
Nothing is called here; what the loop says by itself follows from what is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bottega.call_ids import CallIds
from bottega.dialect import Dialect, Turn
from bottega.messages import (
    Citation,
    Json,
    Message,
    ToolCall,
    ToolResult,
    message_from_json,
    message_to_json,
    result_from_json,
    user,
)
from bottega.model import Reply
from bottega.replies import reply_from_json

OPENING = "opening"
"""Key of the entry with which a visit begins."""
CUT = "Your reply was cut off at the length limit before it was complete. Answer more briefly."


@dataclass(kw_only=True, slots=True)
class History:
    """A conversation as far as it is recorded."""

    messages: list[Message] = field(default_factory=list[Message])
    step: int = 0
    """The last step taken."""
    handed_on: tuple[ToolCall, ...] = ()
    """Calls of the last turn that others carry out."""
    results: tuple[ToolResult, ...] = ()
    """Results of the last turn that were there at once."""
    evidence: dict[str, Citation] = field(default_factory=dict[str, Citation])
    """Passages that messages point at whose results were left out, by key."""
    _called: set[str] = field(default_factory=set[str])
    _counted: int = 0
    """Messages whose calls are in `_called`."""

    def go_on(self, entries: Mapping[str, Json], dialect: Dialect, path: str) -> None:
        """Add what one visit has recorded: its opening messages, then its steps."""
        opening = entries.get(OPENING)
        if opening is None:
            return
        last = last_compaction(entries)
        if last is None:
            self.messages += [message_from_json(item) for item in opening["messages"]]
            self.step = opening["step"]
        else:  # what was before it is left out
            self._shorten(entries[last])
            self._called, self._counted = set(), 0
            self.step = int(last.partition("/")[0]) - 1
        ids = CallIds((), path, self._ids_so_far())
        while (recorded := entries.get(f"{self.step + 1}/reply")) is not None:
            self.step += 1
            if not self._take(reply_from_json(recorded), entries, dialect, ids):
                return

    def _ids_so_far(self) -> set[str]:
        """Return the ids of all calls, each message read once however many visits there are."""
        for message in self.messages[self._counted :]:
            self._called.update(call.id for call in message.calls)
        self._counted = len(self.messages)
        return self._called

    def _shorten(self, entry: Mapping[str, Json]) -> None:
        shorter = compaction_of(entry)
        self.messages = list(shorter.messages)
        self.evidence = dict(shorter.evidence)

    def _take(
        self, reply: Reply, entries: Mapping[str, Json], dialect: Dialect, ids: CallIds
    ) -> bool:
        """Add one step; return whether another may follow."""
        turn = ids.named(dialect.read(reply), self.step)
        problem = unusable(reply, turn)
        self.messages.append(dialect.replied(reply, without_calls(turn) if problem else turn))
        if problem:
            self.messages.append(user(problem))
            return True
        if turn.answer is not None:
            return False
        self.results = recorded_results(entries, self.step, turn)
        there = {result.call_id for result in self.results}
        self.handed_on = tuple(call for call in turn.calls if call.id not in there)
        if self.handed_on:
            return False
        self.messages.append(dialect.observed(self.results))
        return True


def opening_entry(
    messages: Sequence[Message], step: int, before: Json, *, path: str = "", dialect: str = ""
) -> dict[str, Json]:
    """Make the first entry of a visit: what is new in the conversation, and where it went on from.

    `before` is whatever finds the journal of the visit before this one; None for the first. Path
    and dialect are for those who read the journal without the graph.
    """
    return {
        "messages": [message_to_json(message) for message in messages],
        "step": step,
        "before": before,
        "path": path,
        "dialect": dialect,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Compaction:
    """A conversation as it was after its oldest part was left out."""

    messages: tuple[Message, ...]
    began: int
    """Where in it the part of the visit at work begins."""
    evidence: Mapping[str, Citation]


def compactions(step: int) -> tuple[str, str]:
    """Return the keys under which a step's conversation was shortened: once, and once more."""
    return f"{step}/compacted", f"{step}/compacted/again"


def compaction_of(entry: Mapping[str, Json]) -> Compaction:
    """Read an entry that says what a conversation was shortened to."""
    cited = (Citation(**item) for item in entry["evidence"])
    return Compaction(
        messages=tuple(message_from_json(item) for item in entry["messages"]),
        began=entry["began"],
        evidence={citation.key: citation for citation in cited},
    )


def last_compaction(entries: Mapping[str, Json]) -> str | None:
    """Return the key of the last shortening of a visit; None where there was none."""
    found = [key for key in entries if key.partition("/")[2].startswith("compacted")]
    return max(found, key=lambda key: (int(key.partition("/")[0]), key), default=None)


def recorded_results(entries: Mapping[str, Json], step: int, turn: Turn) -> tuple[ToolResult, ...]:
    """Return the results of a turn, in the order of its calls."""
    found = {item["call_id"]: item for item in entries.get(f"{step}/refused", ())}
    for call in turn.calls:
        recorded = entries.get(f"{step}/result/{call.id}")
        if recorded is not None:
            found[call.id] = recorded["result"]
    order = [*(call.id for call in turn.calls), *(call.id for call in turn.bad_calls)]
    return tuple(result_from_json(found[name]) for name in order if name in found)


def unusable(reply: Reply, turn: Turn) -> str:
    """Say what keeps a reply from being used; nothing when it is fine."""
    return CUT if reply.end.finish == "length" else turn.problem


def without_calls(turn: Turn) -> Turn:
    """Return the turn without calls: what is not carried out must not stand in a conversation."""
    return Turn(thought=turn.thought, answer=turn.answer, problem=turn.problem)
