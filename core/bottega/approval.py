"""Approval by a person: a call of certain tools is shown before it is made.

The person approves, edits the arguments or refuses with a reason that the model gets to read. Where
nobody can be asked the call is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from bottega.errors import InputError, ToolError
from bottega.middleware import Invocation, Middleware, ToolHandler
from bottega.tools import Effects, Output, Tool

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
        name, arguments = invocation.call.name, dict(invocation.call.arguments)
        ruling = await person.approve(
            f"May {_shown(name, arguments)} be called?", tool=name, value=arguments
        )
        if ruling.verdict == "reject":
            raise ToolError(f"{REFUSED}: {ruling.text}".rstrip(": "))
        if ruling.verdict == "edit":
            edited = invocation.tool.validate(ruling.value)
            call = replace(invocation.call, arguments=ruling.value)
            invocation = replace(invocation, call=call, arguments=edited)
        return await next(invocation)

    def _asks(self, tool: Tool) -> bool:
        return tool.spec.name in self._tools or tool.effects in self._effects


def _shown(name: str, arguments: dict[str, object]) -> str:
    inside = ", ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items()
    )
    return f"{name}({inside if len(inside) <= _LONGEST else inside[:_LONGEST] + ' ...'})"
