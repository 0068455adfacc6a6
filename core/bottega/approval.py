"""Approval by a person: a call of certain tools is shown before it is made.

The person approves, edits the arguments or refuses with a reason that the model gets to read. Where
nobody can be asked the call is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from bottega.errors import BottegaError, InputError, ToolError
from bottega.middleware import Invocation, Middleware, ToolHandler
from bottega.tools import Effects, Output, Tool

if TYPE_CHECKING:
    from bottega.node import AgentParts
    from bottega.person import Person
    from bottega.questions import Question, Ruling

REFUSED = "a person refused this call"
_LONGEST = 600
"""Characters of the arguments shown in a question; the whole of them is in its value."""


class Approval(Middleware):
    """Ask before a call; by default before every call with effects `once`."""

    def __init__(self, *, tools: Sequence[str] = (), effects: Sequence[str] = ("once",)) -> None:
        """Take the names of tools, and the effects; either of them makes a call ask.

        With `tools` named and `effects` empty nothing else asks. Raises InputError for an effect
        that there is not.
        """
        unknown = sorted(set(effects) - set(get_args(Effects)))
        if unknown:
            raise InputError(
                f"approval: unknown effects {unknown[0]!r}", hint="known: none, idempotent, once"
            )
        self._tools = frozenset(tools)
        self._effects = frozenset(effects)

    async def around_tool(self, invocation: Invocation, next: ToolHandler) -> Output:
        """Make the call once a person has approved it, with what the person made of it."""
        if not self._asks(invocation.tool):
            return await next(invocation)
        person = invocation.context.person
        if person is None:
            raise ToolError(f"{REFUSED}: nobody is there to approve it")
        return await next(await ruled(person, invocation))

    def _asks(self, tool: Tool) -> bool:
        return tool.spec.name in self._tools or tool.effects in self._effects


async def ruled(person: Person, invocation: Invocation, why: str = "") -> Invocation:
    """Return the call as the person wants it; an edit that does not fit the tool is asked again.

    `why` tells the person why they are asked. Raises ToolError where the call is refused.
    """
    name, arguments = invocation.call.name, dict(invocation.call.arguments)
    asked = text = f"{why} May {_shown(name, arguments)} be called?".lstrip()
    while True:
        ruling = await person.approve(text, tool=name, value=arguments)
        if ruling.verdict == "reject":
            raise ToolError(f"{REFUSED}: {ruling.text}".rstrip(": "))
        if ruling.verdict != "edit":
            return invocation
        try:
            edited = invocation.tool.validate(ruling.value)
        except BottegaError as error:
            text = f"The edit does not fit: {error.message}. {asked}"
            continue
        call = replace(invocation.call, arguments=ruling.value)
        return replace(invocation, call=call, arguments=edited)


def check_edit(parts: Mapping[str, AgentParts], question: Question, ruling: Ruling) -> None:
    """Raise InputError where a person's edit of a call does not fit the tool to be called.

    `parts` are those of the team. A tool that none of its agents has is not checked: the call is
    shown again where the edit turns out not to fit.
    """
    if question.kind != "approve" or ruling.verdict != "edit":
        return
    problems: list[str] = []
    for tool in _tools_of(parts, question):
        try:
            tool.validate(ruling.value)
        except BottegaError as error:
            problems.append(error.message)
        else:
            return
    if problems:
        hint = "nothing is decided; the question stays open"
        problem = f"the edit of question {question.id!r} does not fit {problems[0]}"
        raise InputError(problem, hint=hint)


def _tools_of(
    parts: Mapping[str, AgentParts], question: Question, graphs: str = ""
) -> Iterator[Tool]:
    """Yield the tools that the question may be about, those of graphs within the graph, too.

    One that was asked by an older version names no graphs.
    """
    for name, part in parts.items():
        if question.node in (name, f"{graphs}{name}"):
            yield from (tool for tool in part.tools if tool.spec.name == question.tool)
        if part.team is not None:
            yield from _tools_of(part.team.parts, question, f"{graphs}{name}/")


def _shown(name: str, arguments: dict[str, object]) -> str:
    inside = ", ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items()
    )
    return f"{name}({inside if len(inside) <= _LONGEST else inside[:_LONGEST] + ' ...'})"
