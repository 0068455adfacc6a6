"""Toolsets: many tools under one name, such as those of an MCP server or an OpenAPI document.

A factory of a tool offer may make a toolset instead of a tool, and `Agent(tools=[...])` takes one.
What its tools are, it may find out late: nobody asks before an agent is put together. Here is also
how tools of many sources become those of one agent: no two with one name.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from bottega.errors import InputError, suggest
from bottega.tool_name import LONGEST, clean_name
from bottega.tools import Tool

if TYPE_CHECKING:
    from typing_extensions import TypeIs

_MADE_OF_RUN = ("signature", "spec", "_bottega_call_plan")
"""What a tool works out once and keeps: a copy with another name works it out anew."""


class Toolset(Protocol):
    """Tools that come together. One that holds connections also has `async def aclose(self)`."""

    @property
    def name(self) -> str:
        """What messages call it: the server's name, the document's."""
        ...

    @property
    def tools(self) -> Sequence[Tool]:
        """The tools. Raises BottegaError where they cannot be had."""
        ...


@dataclass(frozen=True)
class Tools:
    """A toolset of tools that are there already."""

    name: str
    tools: Sequence[Tool]


@dataclass(frozen=True)
class Choice:
    """Which tools of a set an agent gets, and what they are called there."""

    _: KW_ONLY
    only: Sequence[str] = ()
    """Their own names, as where they come from or as models call them; empty for all."""
    prefix: str = ""
    """Put before each name with an underscore: `files` makes `files_read` of `read`."""
    rename: Mapping[str, str] = field(default_factory=dict[str, str])
    """New names by the old ones; the prefix is not put before these."""

    def of(self, tools: Iterable[Tool], source: str) -> tuple[Tool, ...]:
        """Return the tools that are chosen, renamed.

        `source` is what messages call the set. Raises InputError for names that it does not have.
        """
        found = {tool.spec.name: tool for tool in tools}
        clean = {str(getattr(tool, "original", name)): name for name, tool in found.items()}
        for name in (*self.only, *self.rename):
            if name not in found and name not in clean:
                raise InputError(f"{source} has no tool {name!r}", hint=suggest(name, found))
        wanted = {clean.get(name, name) for name in self.only} or set(found)
        names = {clean.get(old, old): new for old, new in self.rename.items()}
        return tuple(
            renamed(tool, names.get(name) or self.name(name))
            for name, tool in found.items()
            if name in wanted
        )

    def name(self, name: str) -> str:
        """Return what a tool of that name is called."""
        if name in self.rename:
            return self.rename[name]
        return f"{self.prefix}_{name}" if self.prefix else name


def renamed(tool: Tool, name: str) -> Tool:
    """Return the tool under another name. Raises InputError for a name that models cannot call."""
    if tool.spec.name == name:
        return tool
    if name != clean_name(name):
        hint = f"use at most {LONGEST} ASCII letters, digits, `_` and `-`"
        raise InputError(f"a tool cannot be named {name!r}", hint=hint)
    spec, other = tool.spec, copy.copy(tool)
    for made in _MADE_OF_RUN:
        other.__dict__.pop(made, None)
    other.name = name
    other.__dict__["spec"] = replace(spec, name=name)
    return other


def gather(items: Iterable[Tool | Toolset]) -> tuple[Tool, ...]:
    """Return the tools of all items. Raises InputError naming what two tools of one name are of."""
    found: dict[str, Tool] = {}
    origins: dict[str, str] = {}
    for item in items:
        source = item.name if is_toolset(item) else ""
        for tool in item.tools if is_toolset(item) else (item,):
            name = tool.spec.name
            if name in found:
                raise _taken(name, origins[name], source)
            found[name] = tool
            origins[name] = source
    return tuple(found.values())


def is_toolset(thing: object) -> TypeIs[Toolset]:
    """Say whether it is a toolset, without asking it for its tools."""
    missing = object()
    return (
        not isinstance(thing, (Tool, type))
        and inspect.getattr_static(thing, "tools", missing) is not missing
        and inspect.getattr_static(thing, "name", missing) is not missing
    )


def _taken(name: str, first: str, second: str) -> InputError:
    sources = " and ".join(dict.fromkeys(repr(source) for source in (first, second) if source))
    of = f": one of {sources}" if sources else ""
    if first and second:
        of = f": one each of {sources}" if first != second else f", both of {sources}"
    hint = "give one of them a prefix" if sources else "rename one"
    return InputError(f"two tools are named {name!r}{of}", hint=hint)
