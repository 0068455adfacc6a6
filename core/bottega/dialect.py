"""The seam between what a model writes and what the loop does.

A dialect tells the model how to act and reads its reply: prompt and parser are one thing, in one
file. The built-in ones are in `bottega.dialects`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from bottega.errors import InputError
from bottega.messages import Message, ToolCall, ToolResult
from bottega.model import Reply, Request, Sampling, ToolSpec

if TYPE_CHECKING:
    from bottega.tools import Tool


@dataclass(frozen=True, kw_only=True, slots=True)
class BadCall:
    """A call that could not be read; `problem` is said back to the model."""

    id: str
    name: str
    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A reply, read: the calls to make, or an answer, or a problem with the reply as a whole."""

    thought: str = ""
    calls: tuple[ToolCall, ...] = ()
    bad_calls: tuple[BadCall, ...] = ()
    answer: str | None = None
    problem: str = ""
    """What is wrong with the reply, said to the model; empty when it could be read."""


@runtime_checkable
class Dialect(Protocol):
    """A way of acting.

    One that acts by a tool of its own has it in an attribute `brings`, a tuple of tools: agents
    that speak the dialect get them.
    """

    @property
    def name(self) -> str:
        """How users name it."""
        ...

    def request(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], sampling: Sampling
    ) -> Request:
        """Put the conversation so far into a request."""
        ...

    def read(self, reply: Reply) -> Turn:
        """Read a reply. Never raises on what a model may write: that is a `problem`."""
        ...

    def replied(self, reply: Reply, turn: Turn) -> Message:
        """Return the reply as it enters the conversation."""
        ...

    def observed(self, results: Sequence[ToolResult]) -> Message:
        """Return results as the model gets to read them."""
        ...


def tools_with(dialect: Dialect, tools: Sequence[Tool]) -> tuple[Tool, ...]:
    """Return an agent's tools with those that its dialect brings.

    Raises InputError where one of them has the name of one that the agent has.
    """
    brought: tuple[Tool, ...] = getattr(dialect, "brings", ())
    if not brought:
        return tuple(tools)
    named = {tool.spec.name for tool in tools}
    for tool in brought:
        if tool.spec.name in named:
            raise InputError(
                f"the dialect {dialect.name!r} has a tool {tool.spec.name!r} of its own",
                hint=f"leave {tool.spec.name!r} out of the tools",
            )
    return (*tools, *brought)
