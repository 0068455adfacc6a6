"""Which tools a model is told of, where an agent has more than it could read about.

Told are those that fit the task and the last turns, those that `find_tool` has found, those that
were called, and those that belong to every step. All follow from the conversation: after a crash
the same tools are told again. What is not told can be called all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bottega.errors import InputError
from bottega.messages import Message
from bottega.model import ToolSpec
from bottega.tool_index import ToolIndex
from bottega.tools import Tool

EMBEDDER = "minilm"
"""What tools are compared by, unless it is not there: then words alone count."""
FIND_TOOL = "find_tool"
MOST = 100
"""Tools that may be told at once."""
_LATELY = 1_000
"""Characters of a turn that are compared with the tools."""
_LISTED = re.compile(r"^- ([A-Za-z0-9_-]+)\(", re.MULTILINE)
"""A tool as `find_tool` lists it."""


@dataclass(frozen=True, kw_only=True)
class Offering:
    """One agent's tools, of which its model is told some at a time."""

    most: int
    """How many that fit; those of the other kinds come on top."""
    index: ToolIndex
    always: frozenset[str]
    """Tools that belong to every step."""

    async def narrow(
        self, specs: Sequence[ToolSpec], messages: Sequence[Message], task: str = ""
    ) -> tuple[ToolSpec, ...]:
        """Return the tools to tell of, in their own order; `task` is that of the visit at work."""
        known = {spec.name for spec in self.index.specs}
        wanted = set(self.always)
        wanted.update(name for name in named(messages) if name in known)
        found = await self.index.search(*_queries(messages, task), k=self.most)
        wanted.update(one.spec.name for one in found)
        return tuple(spec for spec in specs if spec.name in wanted or spec.name not in known)


def checked_most(most: int) -> int:
    """Return how many tools to tell of. Raises InputError for a number that cannot be."""
    if isinstance(most, bool) or not 1 <= most <= MOST:
        raise InputError(f"offer must be a number from 1 to {MOST}, got {most}")
    return most


def offering_of(tools: Sequence[Tool], most: int, index: ToolIndex) -> Offering:
    """Return the offering of an agent with these tools."""
    always = (tool.spec.name for tool in tools if tool.hand_off or tool.always)
    return Offering(most=most, index=index, always=frozenset((*always, FIND_TOOL)))


def listed(spec: ToolSpec) -> str:
    """Write a tool on one line, as `find_tool` lists it: with its arguments and what it does."""
    needed = spec.parameters.get("required", ())
    given = (
        name if name in needed else f"{name}=…" for name in spec.parameters.get("properties", ())
    )
    told = " ".join(spec.description.split())
    return f"- {spec.name}({', '.join(given)}): {told[:300]}"


def named(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the tools that were called, or found by `find_tool`."""
    for message in messages:
        for call in message.calls:
            yield call.name
        for result in message.results:
            if result.name == FIND_TOOL and not result.is_error:
                yield from _LISTED.findall(result.content)


def _queries(messages: Sequence[Message], task: str) -> list[str]:
    """Return what the tools are to fit: the task, what was said last, what the model said last."""
    asked = [message.text for message in messages if message.role == "user" and not message.results]
    said = [message.text for message in messages if message.role == "assistant" and message.text]
    texts = [task or next(iter(asked), ""), asked[-1] if asked else "", said[-1] if said else ""]
    return list(dict.fromkeys(text[-_LATELY:] for text in texts if text.strip()))
