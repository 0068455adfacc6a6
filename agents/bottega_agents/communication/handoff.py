"""The tool `handoff`: a node leaves its task to another one, with what it has done so far.

The call is not carried out by the loop. The node ends, and the other one works on the same task: it
gets the reason and a summary of the conversation as a message. A node that was asked by a
coordinator passes that on, too: the other one reports in its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from bottega.citations import evidence_in, resolve
from bottega.errors import StuckError, ToolError
from bottega.events import MessageSent, NodeEnded
from bottega.loop import Loop
from bottega.messages import Message, ToolCall, ToolResult, citation_to_json
from bottega_agents.communication.addressed import AddressedTool
from bottega_agents.communication.mail import letter
from bottega_agents.graph.state import State

NAME = "handoff"
MOST_HANDOFFS = 6
"""How often one task may be handed on, from node to node: then somebody must do it."""
ABOUT = "{sender} has handed this task over to you and says why, and what was done so far"
LAST = "{about}; it has been handed on {hops} times, so do it yourself"
MANY = "the task has been handed on {hops} times"
NOT_NOW = "Error: not carried out: hand the task over in a turn of its own"
TWICE = "Error: the task was handed over already"
STAYS = "not handed over: {why}. The task stays with you: do it, or say why it cannot be done"
LAST_TIME = "last"
"""Key of a task that is handed over for the last time: why it is."""
FOUND = "found"
"""Key of what the node that hands a task over has found out: a digest, empty for nothing."""
_TASK = ("task", "caller", "call_id", "citations", "passed")
_LONGEST, _LONGEST_ITEM = 6_000, 1_000
"""Characters of a summary, and of one thing in it."""


class HandOff(AddressedTool):
    """Hand the task over to another member of the team."""

    name = NAME
    hand_off = True

    async def run(self, to: str, reason: str) -> str:
        """Hand your whole task over to a member of the team who can do it better; you are out then.

        Args:
            to: who takes over.
            reason: why, and what they should know.
        """
        raise RuntimeError("a task is handed over by the graph, not by the loop")


class StaysHere(HandOff):
    """What a node has in place of `handoff` whose task is handed on no more."""

    hand_off = False
    withheld = True

    def __init__(self, tool: HandOff, node: str, why: str, most: int | None) -> None:
        """Take the node, why it keeps its task, and how many calls end it; None for no end."""
        super().__init__(tool.names, {})
        self._node = node
        self._why = why
        self._most = most
        self._calls = 0

    async def run(self, to: str, reason: str) -> str:
        """Refuse. Raises StuckError where the node keeps on trying.

        Args:
            to: who would take over.
            reason: why.
        """
        self._calls += 1
        if self._most is not None and self._calls >= self._most:
            what = f"{self._why}; {self._node} was to do it, and tried to hand it to {to}"
            raise StuckError(f"{what} {self._calls} times", self._most, self._calls)
        raise ToolError(STAYS.format(why=self._why))


def is_handoff(call: ToolCall) -> bool:
    """Say whether a call hands the whole task over."""
    return call.name == NAME


def handoff_in(loop: Loop) -> ToolCall | None:
    """Return the call with which a loop has ended by handing its task over, if it has."""
    calls = loop.outcome.handed_on
    return calls[0] if calls and all(map(is_handoff, calls)) else None


def hops(state: State, name: str) -> int:
    """Return how often the task of this visit has been handed on."""
    taken = state.get("handovers", {}).get(name)
    return int(taken["hops"]) if taken and taken["run"] == state.get("run", "") else 0


def stays(state: State, name: str) -> str:
    """Say why the task of this visit is handed on no more; nothing where it may be."""
    taken: Any = state.get("handovers", {}).get(name)
    count = hops(state, name)
    why = taken.get(LAST_TIME) if count else ""
    if why or count >= MOST_HANDOFFS:
        return why if isinstance(why, str) and why else MANY.format(hops=count)
    return ""


def handed_over(state: State, loop: Loop, call: ToolCall, update: Mapping[str, Any]) -> Any:
    """Return the `Command` that ends a node and visits the one that takes over."""
    from langgraph.types import Command, Send

    name, to, reason = loop.parts.name, str(call.arguments["to"]), str(call.arguments["reason"])
    loop.run.emit(loop.event(MessageSent, to=to, text=reason))
    loop.run.emit(loop.event(NodeEnded, reason=f"handed over to {to}"))
    run, count = state.get("run", ""), hops(state, name) + 1
    taken = {to: {"run": run, "from": name, "hops": count, FOUND: _found(loop)}}
    mail = {f"{loop.run.run_id}/{loop.path}/{loop.step}/{call.id}": _letter(loop, call, run, count)}
    if not state.get("caller"):
        goes: dict[str, Any] = {
            "handovers": {name: None, **taken},
            "mail": {**update.get("mail", {}), **mail},
        }
        return Command(update={**update, **goes}, goto=to)
    known = cast("Mapping[str, Any]", state)
    task = {key: known[key] for key in _TASK if key in known}
    passed = {key: update[key] for key in ("spent", "elapsed", "mail", "board") if key in update}
    send: Any = Send(to, {**task, "handovers": taken, "mail": mail})
    return Command(update=passed, goto=[send])


def results_of(calls: Sequence[ToolCall]) -> list[ToolResult]:
    """Return what a node reads of its hand-over when it is visited again."""
    return [_result(call, carried_out=call is calls[0]) for call in calls]


def not_now(call: ToolCall) -> ToolResult:
    """Return the result of a hand-over in the same turn as other work that was given out."""
    return ToolResult(call_id=call.id, name=call.name, content=NOT_NOW, is_error=True)


def _result(call: ToolCall, *, carried_out: bool) -> ToolResult:
    said = f"handed over to {call.arguments['to']}" if carried_out else TWICE
    return ToolResult(call_id=call.id, name=call.name, content=said, is_error=not carried_out)


def _letter(loop: Loop, call: ToolCall, run: str, count: int) -> dict[str, Any]:
    name, text = loop.parts.name, f"{call.arguments['reason']}\n\n{summary(loop.messages)}".strip()
    about = ABOUT.format(sender=name)
    if count >= MOST_HANDOFFS:
        about = LAST.format(about=about, hops=count)
    evidence = {**loop.evidence, **evidence_in(loop.messages)}
    cited = [citation_to_json(item) for item in resolve(text, evidence)]
    to = str(call.arguments["to"])
    return {**letter(to, about, text, sender=name, citations=cited), "run": run}


def _found(loop: Loop) -> str:
    """Return a digest of what tools have given in this visit; empty where there was nothing."""
    messages = loop.messages[loop.began :]
    results = [one.content for said in messages for one in said.results if one.name != NAME]
    text = "\0".join(results).encode(errors="surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16] if results else ""


def summary(messages: Iterable[Message]) -> str:
    """Return what was said and found in a conversation; the end of it where it is long."""
    lines: list[str] = []
    for message in messages:
        if message.role == "assistant" and message.text.strip():
            lines.append(f"said: {_clipped(message.text)}")
        lines += [f"{result.name} gave: {_clipped(result.content)}" for result in message.results]
    kept: list[str] = []
    room = _LONGEST
    for line in reversed(lines):
        room -= len(line)
        if room < 0:
            kept.append("(what came before is left out)")
            break
        kept.append(line)
    return "\n".join(f"- {line}" for line in reversed(kept))


def _clipped(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _LONGEST_ITEM else f"{text[:_LONGEST_ITEM]} ..."
