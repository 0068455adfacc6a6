"""The team of `crash.py`: its models and its tool are in the outside process, which counts them.

How it is run, killed and taken up is `crash_bottega`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from crash_client import Client
from crash_tally import UNKNOWN
from crash_worker import Setting

from bottega import tool
from bottega.engine import Team
from bottega.model import CallDelta, Delta, End, Request, TextDelta, Usage
from bottega.node import AgentParts
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.tools import Tool, ToolContext


class Clerk:
    """A model that asks for the effects FIRST to LAST, one after the other, and reports on them.

    It decides by the conversation alone, and each of its calls is counted outside.
    """

    name = "clerk"

    def __init__(self, client: Client, lane: str, first: int, last: int) -> None:
        self._client = client
        self._lane = lane
        self._first, self._last = first, last

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        results = [result.content for message in request.messages for result in message.results]
        run = next(m.text for m in request.messages if m.role == "user").split()[-1]
        step = self._first + len(results)
        await self._client.model(run, self._lane, step)
        used = Usage(input_tokens=1, output_tokens=1)
        if step <= self._last:
            arguments = json.dumps({"run": run, "lane": self._lane, "step": step})
            yield CallDelta(index=0, name="charge", arguments=arguments)
            yield End(finish="tool_calls", usage=used)
        else:
            yield TextDelta(text=" ".join(map(_token, results)))
            yield End(usage=used)


class Lead:
    """A model that has the halves done at the same time, and puts the reports together."""

    name = "lead"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        results = [result.content for message in request.messages for result in message.results]
        run = next(m.text for m in request.messages if m.role == "user").split()[-1]
        await self._client.model(run, "lead", 1 + len(results))
        used = Usage(input_tokens=1, output_tokens=1)
        if results:
            yield TextDelta(text=" ".join(results))
            yield End(usage=used)
            return
        for index, name in enumerate(("ann", "bob")):
            yield CallDelta(index=index, name=name, arguments=json.dumps({"task": run}))
        yield End(finish="tool_calls", usage=used)


def _token(result: str) -> str:
    """Return what the report says of a step."""
    if "whether it took effect is unknown" in result:
        return UNKNOWN
    return "error" if result.startswith("Error") else result


def charge_tool(client: Client, mode: str) -> Tool:
    """Make the tool with the effect: keyed, `once` without keys, or one that is simply repeated."""
    if mode == "keys":

        @tool(name="charge", effects="once", keyed=True)
        async def keyed(run: str, lane: str, step: int, context: ToolContext) -> str:
            """Charge somebody, once for each key."""
            return await client.effect(run, lane, step, context.key)

        return keyed

    @tool(name="charge", effects="once" if mode == "once" else "idempotent")
    async def charge(run: str, lane: str, step: int) -> str:
        """Charge somebody."""
        return await client.effect(run, lane, step)

    return charge


def make_team(client: Client, setting: Setting) -> Team:
    """Make one agent, or a coordinator with two specialists."""
    from bottega.deciders import PromptDecider
    from bottega.dialects.native import Native
    from bottega_agents import Coordinator, Specialist

    half = setting.steps // 2
    models: dict[str, Any] = {"agent": Clerk(client, "agent", 1, setting.steps)}
    kinds: dict[str, Any] = {"agent": Specialist()}
    if setting.team:
        models = {"lead": Lead(client), "ann": Clerk(client, "ann", 1, half)}
        models["bob"] = Clerk(client, "bob", half + 1, setting.steps)
        kinds = {"lead": Coordinator(delegates=("ann", "bob"))}
        kinds |= {"ann": Specialist(), "bob": Specialist()}
    first = next(iter(models))
    parts = {
        name: AgentParts(
            name=name,
            model=model,
            decider=PromptDecider(model),
            dialect=Native(),
            tools=() if name == "lead" else (charge_tool(client, setting.mode),),
            peers={"ann": "charges", "bob": "charges"} if name == "lead" else {},
        )
        for name, model in models.items()
    }
    spec = GraphSpec(
        name="charges",
        nodes=tuple(NodeSpec(name=name, kind="") for name in models),
        edges=(EdgeSpec(source="start", target=first), EdgeSpec(source=first, target="end")),
    )
    return Team(spec=spec, kinds=kinds, parts=parts)
