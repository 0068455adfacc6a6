"""Calls that a tool makes of its agent's other tools, as code that a model wrote does.

They go the very road of the model's own calls: looked up, allowed, validated, through middleware,
approved, journaled under names of their own (`call-3/1`), told as events. After a crash the outer
call is made again, and gets the recorded results of those that were made; should it ask for
anything else, nothing is called any more. What the calls are for is the outer tool's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bottega.done import Done, failed
from bottega.errors import BottegaError, ToolError
from bottega.messages import Citation, Image, Json, ToolCall, ToolResult, result_to_json
from bottega.model import ToolSpec
from bottega.questions import PersonNeeded

if TYPE_CHECKING:
    from bottega.actions import Actions
    from bottega.belongings import Belongings

DONE = "done"
"""What a model reads of a tool that returns nothing; see `bottega.rendering`."""
NO_HAND_OFF = "{name} hands work on to others: that cannot be done from within another call"
NO_NESTING = "{name} calls tools itself: it cannot be called from within another call"
DIVERGED = (
    "this call was under way when the process died. Made again, it asked for {asked}, where it had "
    "asked for {known} before. Nothing was called this time; {count} calls had been begun before: "
    "{before}"
)


class Diverged(BottegaError):
    """A call that is made again asks for something else than the first time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeCall:
    """A call that was made, and what came of it."""

    name: str
    arguments: Mapping[str, Json]
    content: str = ""
    is_error: bool = False
    final: bool = False
    structured: bool = False
    """The content is the JSON of a value."""

    def value(self) -> Json:
        """Return what the caller gets. Raises ToolError where the call failed."""
        if self.is_error:
            raise ToolError(self.content.removeprefix("Error: "))
        if not self.structured:
            return self.content
        try:
            return None if self.content == DONE else json.loads(self.content)
        except (ValueError, RecursionError):  # it was cut, or changed on its way
            return self.content

    def is_of(self, name: str, arguments: Mapping[str, Json]) -> bool:
        """Say whether it is the call that is asked for now."""
        return self.name == name and dict(self.arguments) == dict(arguments)

    def told(self) -> str:
        """Return the call in a few words."""
        text = json.dumps(dict(self.arguments), ensure_ascii=False, default=str)
        return f"{self.name}({text if len(text) <= 200 else text[:200] + ' ...'})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A finished call of the same tool, as the journal knows it."""

    note: Json
    calls: tuple[MadeCall, ...]


class InnerCalls:
    """The agent's tools, as one of its calls may call them. One for each call."""

    __slots__ = ("_actions", "_made", "_outer", "_step", "citations", "images", "note")

    def __init__(self, actions: Actions, outer: ToolCall, step: int) -> None:
        self._actions = actions
        self._outer = outer
        self._step = step
        self._made = 0
        self.note: Json = None
        """What the outer tool wants written down with its result; see `finished`."""
        self.citations: list[Citation] = []
        """What the results point at."""
        self.images: list[Image] = []

    @property
    def belongings(self) -> Belongings:
        """What is closed at the end of the run."""
        return self._actions.run.belongings

    @property
    def place(self) -> str:
        """Names the conversation at work within the run."""
        return self._actions.path

    @property
    def visit(self) -> object:
        """What is the same for all calls of one visit of the agent."""
        return self._actions

    @property
    def run_id(self) -> str:
        """Names the run."""
        return self._actions.run.run_id

    def seconds_left(self) -> float | None:
        """Return the seconds that the run has left; None for as many as it likes."""
        return self._actions.run.meter.seconds_left()

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return the tools that may be named; one that cannot be called here says why."""
        return tuple(tool.spec for tool in self._actions.tools if not tool.calls_tools)

    async def call(self, name: str, arguments: Mapping[str, Json]) -> MadeCall:
        """Make a call, or return what came of it before a crash.

        Raises PersonNeeded where the run has to wait, Diverged, and what `Actions.carry_out` does.
        """
        self._made += 1
        call = ToolCall(id=f"{self._outer.id}/{self._made}", name=name, arguments=arguments)
        await self._enter(call)
        self._tell(call)
        refused = self._refused(name)
        done = refused or await self._actions.carry_out(call, self._step)
        if done.question is not None:
            raise PersonNeeded(done.question)
        await self._leave(call, done)
        if self._actions.heard is not None:
            self._actions.heard.add(call, done.result)
        self._tell(done)
        self.citations += done.result.citations
        self.images += done.result.images
        return _made(call, done.result, final=done.final, structured=done.structured)

    def _tell(self, what: ToolCall | Done) -> None:
        if self._actions.tell is not None:
            self._actions.tell(what)

    def _refused(self, name: str) -> Done | None:
        tool = self._actions.tool(name)
        if tool is None or not (tool.hand_off or tool.calls_tools):
            return None
        problem = (NO_HAND_OFF if tool.hand_off else NO_NESTING).format(name=name)
        return Done(
            result=failed(ToolCall(id=f"{self._outer.id}/{self._made}", name=name), problem)
        )

    async def _enter(self, call: ToolCall) -> None:
        """Write down what is asked for. Raises Diverged where it was something else before."""
        journal, key = self._actions.journal, self._key("inner", self._made)
        if not journal.keeps:
            return
        known = journal.entries.get(key)
        if known is None:
            await journal.write(key, {"name": call.name, "arguments": dict(call.arguments)})
            return
        before = MadeCall(name=known["name"], arguments=known["arguments"])
        if not before.is_of(call.name, call.arguments):
            asked = MadeCall(name=call.name, arguments=call.arguments)
            begun = list(self._begun(self._step, self._outer.id))
            raise Diverged(
                DIVERGED.format(
                    asked=asked.told(),
                    known=before.told(),
                    count=len(begun),
                    before=", ".join(one.told() for one in begun),
                )
            )

    async def _leave(self, call: ToolCall, done: Done) -> None:
        """Write down what was refused, too: the call must come to the same when made again."""
        journal = self._actions.journal
        if journal.keeps and not done.recorded:
            entry = {"result": result_to_json(done.result), "final": False}
            await journal.write(self._key("result", self._made), entry)

    def unasked(self) -> list[MadeCall]:
        """Return the calls that were begun before a crash and were not asked for again."""
        if not self._actions.journal.keeps:
            return []
        return list(self._begun(self._step, self._outer.id))[self._made :]

    def finished(self) -> list[Finished]:
        """Return the finished calls of the same tool that left a note, in order.

        Known are those of this visit, as it was recorded when this process took over.
        """
        return list(self._finished()) if self._actions.journal.keeps else []

    def _finished(self) -> Iterator[Finished]:
        for key, entry in self._actions.journal.entries.items():
            step, _, rest = key.partition("/")
            if not rest.startswith("result/") or entry.get("note") is None:
                continue
            if entry["result"]["name"] == self._outer.name:
                calls = tuple(self._begun(int(step), rest.removeprefix("result/")))
                yield Finished(note=entry["note"], calls=calls)

    def _begun(self, step: int, outer: str) -> Iterator[MadeCall]:
        """Yield the calls that an outer call has begun, with what came of them."""
        entries, number = self._actions.journal.entries, 1
        while (asked := entries.get(f"{step}/inner/{outer}/{number}")) is not None:
            came = entries.get(f"{step}/result/{outer}/{number}")
            yield _recorded(asked, came)
            number += 1

    def _key(self, what: str, number: int) -> str:
        return f"{self._step}/{what}/{self._outer.id}/{number}"


def _made(call: ToolCall, result: ToolResult, *, final: bool, structured: bool) -> MadeCall:
    return MadeCall(
        name=call.name,
        arguments=call.arguments,
        content=result.content,
        is_error=result.is_error,
        final=final,
        structured=structured,
    )


def _recorded(asked: Mapping[str, Json], came: Mapping[str, Json] | None) -> MadeCall:
    if came is None:
        return MadeCall(name=asked["name"], arguments=asked["arguments"], is_error=True)
    return MadeCall(
        name=asked["name"],
        arguments=asked["arguments"],
        content=came["result"]["content"],
        is_error=came["result"]["is_error"],
        final=came["final"],
        structured=came.get("structured", False),
    )
