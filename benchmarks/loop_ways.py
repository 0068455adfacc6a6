"""The ways through the same steps that the benchmarks of the loop compare, peers apart.

A model in this process asks for one call of a trivial tool a step and answers after the last. Every
argument is validated and every event is written as JSON into memory, in all of them:

    floor   a hand-written asyncio loop: collect the stream, parse and validate the arguments, await
            the tool under its timeout, append to the history, write each event
    loop    a Bottega agent alone
    graph   the agent as the one node of a graph, which LangGraph runs
"""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from functools import cache
from pathlib import Path
from typing import Any

from loop_timing import DONE

from bottega import Agent, Budget, Graph, Offer, hookimpl
from bottega.dialects.native import Native
from bottega.events import Answer, Event
from bottega.messages import ToolCall, ToolResult, assistant, system, tool_results, user
from bottega.model import CallDelta, Delta, End, Request, TextDelta, Usage, collect
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.tools import Tool, tool

ONE = """
name: one
model: "counter:{steps}:{delay}"
nodes:
  adder: {{kind: specialist, instructions: You add., tools: [{tool}]}}
edges: [start -> adder, adder -> end]
limits: {{steps: 1000}}
"""
_ONCE = Usage(input_tokens=1, output_tokens=1)


class Counter:
    """Ask for `add` until the steps are used up, then answer. It keeps nothing between requests."""

    name = "counter"

    def __init__(self, steps: int, delay: float = 0.0, name: str = "add") -> None:
        self._steps, self._delay, self._tool = steps, delay, name

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        if self._delay:
            await asyncio.sleep(self._delay)
        left = self._steps - len(request.messages) // 2  # system and user, then two a step
        if left > 0:
            arguments = f'{{"a": {left}, "b": 1}}'
            yield CallDelta(index=0, id=f"c{left}", name=self._tool, arguments=arguments)
            yield End(finish="tool_calls", usage=_ONCE)
        else:
            yield TextDelta(text=DONE)
            yield End(usage=_ONCE)


@tool(effects="none")
async def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: the first.
        b: the second.
    """
    return a + b


@tool(effects="none")
def add_sync(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: the first.
        b: the second.
    """
    return a + b


class Plugin:
    """Offers the models and tools of the benchmarks under their names."""

    def __init__(self, models: dict[str, Any] | None = None, tools: Sequence[Tool] = ()) -> None:
        self._models = {"counter": _counter, **(models or {})}
        self._tools: tuple[Any, ...] = (add, add_sync, *tools)

    @hookimpl
    def bottega_models(self) -> list[Offer]:
        return [
            Offer(name=name, summary="A model of a benchmark.", factory=factory)
            for name, factory in self._models.items()
        ]

    @hookimpl
    def bottega_tools(self) -> list[Offer]:
        return [
            Offer(name=one.spec.name, summary="Adds.", factory=lambda context, one=one: one)
            for one in self._tools
        ]


def _counter(context: FactoryContext) -> Counter:
    steps, delay, *name = context.argument.split(":")
    return Counter(int(steps), float(delay), *name)


def graph_of(text: str, plugin: Plugin, store: Path | str | None = None) -> Graph:
    """Read a graph, with the installed plugins and that of the benchmark."""
    plugins = PluginManager.discover()
    plugins.register(plugin, "benchmark")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph.yaml"
        file.write_text(text)
        graph = Graph.from_yaml(file, durable=store is not None, store=store, plugins=plugins)
        assert graph.team
        return graph


async def heard(events: AsyncGenerator[Event, None]) -> str:
    """Write each event as JSON into memory; return the answer."""
    sink, answer = io.StringIO(), ""
    async with aclosing(events) as stream:
        async for event in stream:
            sink.write(event.dumps() + "\n")
            if isinstance(event, Answer):
                answer = event.text
    return answer


class Ways:
    """The ways, with one tool; agents and graphs are made once and run many times."""

    def __init__(self, trivial: Tool = add, store: Path | None = None) -> None:
        self._tool = trivial
        self._store = store
        self.graph = cache(self._graph)
        self.agent = cache(self._agent)

    def _graph(self, steps: int, delay: float, durable: bool) -> Graph:
        name = self._tool.spec.name
        text = ONE.format(steps=steps, delay=f"{delay}:{name}", tool=name)
        return graph_of(text, Plugin(), self._store if durable else None)

    def _agent(self, steps: int, delay: float) -> Agent:
        return Agent(
            "adder",
            model=Counter(steps, delay, self._tool.spec.name),
            tools=(self._tool,),
            dialect=Native(),
            instructions="You add.",
            limits=Budget(steps=1000),
            plugins=PluginManager(),
        )

    async def loop(self, steps: int, delay: float) -> str:
        """Run the agent alone."""
        return await heard(self.agent(steps, delay).astream("go"))

    async def in_graph(self, steps: int, delay: float) -> str:
        """Run it in a graph that keeps nothing."""
        return await heard(self.graph(steps, delay, False).astream("go"))

    async def in_graph_kept(self, steps: int, delay: float) -> str:
        """Run it in a graph with the SQLite store, so that it can be resumed."""
        return await heard(self.graph(steps, delay, True).astream("go"))

    async def floor(self, steps: int, delay: float) -> str:
        """Do the same by hand: what anybody's loop has to do."""
        trivial, sink = self._tool, io.StringIO()
        model = Counter(steps, delay, trivial.spec.name)
        history = [system("You add."), user("go")]

        def emit(**event: Any) -> None:
            named = {"run_id": "20261121-024421-77a4c76e", "node": "adder", "time": time.time()}
            sink.write(json.dumps({**named, **event}) + "\n")

        for step in range(1, steps + 1):
            emit(kind="step", step=step)
            request = Request(messages=tuple(history), tools=(trivial.spec,))
            reply = await collect(model.respond(request))
            if not reply.calls:
                emit(kind="answer", step=step, text=reply.text)
                return reply.text
            asked = reply.calls[0]
            call = ToolCall(id=asked.id, name=asked.name, arguments=json.loads(asked.arguments))
            emit(kind="action", step=step, id=call.id, tool=call.name, arguments=call.arguments)
            arguments = trivial.validate(call.arguments)
            async with asyncio.timeout(60):
                value: Any = trivial.run(**arguments)
                value = await value if asyncio.iscoroutine(value) else value
            history.append(assistant(calls=(call,)))
            result = ToolResult(call_id=call.id, name=call.name, content=str(value))
            history.append(tool_results((result,)))
            emit(kind="observation", step=step, id=call.id, content=result.content)
        return ""
