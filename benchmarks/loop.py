"""What a step of the loop costs, in milliseconds of wall-clock and of CPU.

    python benchmarks/loop.py [--repeats N] [--sync-tool]

A zero-latency model in this process asks for one call of a trivial tool per step and answers after
the last. Four ways through the same steps, in one process, interleaved so that drift hits all:

    floor        a hand-written asyncio loop: collect the stream, parse and validate the arguments,
                 await the tool under its timeout, append to the history, write each event as JSON
    loop         a Bottega agent alone
    graph        the agent as the one node of a compiled LangGraph graph
    graph_sqlite the same with the SQLite checkpointer and the journal

Every argument is validated and every event is emitted (written as JSON into memory) in all four.
Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import io
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bottega import Agent, Budget
from bottega.dialects.native import Native
from bottega.engine import Job, Team
from bottega.messages import ToolCall, ToolResult, assistant, system, tool_results, user
from bottega.model import CallDelta, Delta, End, Request, TextDelta, ToolSpec, Usage, collect
from bottega.node import AgentParts
from bottega.plugin.manager import PluginManager
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.tools import tool

STEPS = (1, 10, 50, 200)
BUDGET = Budget(steps=1000)


class Counter:
    """Ask for `add` until the steps are used up, then answer."""

    name = "counter"

    def __init__(self, steps: int) -> None:
        self._left = steps

    def restart(self, steps: int) -> None:
        self._left = steps

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        self._left -= 1
        if self._left > 0:
            arguments = f'{{"a": {self._left}, "b": 1}}'
            yield CallDelta(index=0, id=f"c{self._left}", name="add", arguments=arguments)
            yield End(finish="tool_calls", usage=Usage(input_tokens=1, output_tokens=1))
        else:
            yield TextDelta(text="done")
            yield End(usage=Usage(input_tokens=1, output_tokens=1))


@tool(effects="none")
async def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: the first.
        b: the second.
    """
    return a + b


@tool(name="add", effects="none")
def add_sync(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: the first.
        b: the second.
    """
    return a + b


async def floor(steps: int, trivial: Any, sink: io.StringIO) -> None:
    """Do the same by hand: what anybody's loop has to do."""
    model, history = Counter(steps), [system("You add."), user("go")]
    specs: tuple[ToolSpec, ...] = (trivial.spec,)

    def emit(**event: Any) -> None:
        named = {"run_id": "20261121-024421-77a4c76e", "node": "adder", "time": time.time()}
        sink.write(json.dumps({**named, **event}) + "\n")

    for step in range(1, steps + 1):
        emit(kind="step", step=step)
        reply = await collect(model.respond(Request(messages=tuple(history), tools=specs)))
        if not reply.calls:
            emit(kind="answer", step=step, text=reply.text)
            return
        call = ToolCall(
            id=reply.calls[0].id, name="add", arguments=json.loads(reply.calls[0].arguments)
        )
        emit(kind="action", step=step, id=call.id, tool=call.name, arguments=call.arguments)
        arguments = trivial.validate(call.arguments)
        async with asyncio.timeout(60):
            value = trivial.run(**arguments)
            value = await value if asyncio.iscoroutine(value) else value
        history.append(assistant(calls=(call,)))
        result = ToolResult(call_id=call.id, name="add", content=str(value))
        history.append(tool_results((result,)))
        emit(kind="observation", step=step, id=call.id, content=result.content)


def agent(steps: int, trivial: Any) -> Agent:
    return Agent(
        "adder",
        model=Counter(steps),
        tools=(trivial,),
        dialect=Native(),
        instructions="You add.",
        limits=BUDGET,
        plugins=PluginManager(),
    )


async def loop_alone(steps: int, trivial: Any, sink: io.StringIO) -> None:
    async for event in agent(steps, trivial).astream("go"):
        sink.write(event.dumps() + "\n")


def one_node(parts: AgentParts) -> Team:
    from bottega_agents.roles.specialist import Specialist

    edges = (EdgeSpec(source="start", target="adder"), EdgeSpec(source="adder", target="end"))
    spec = GraphSpec(name="one", nodes=(NodeSpec(name="adder", kind="specialist"),), edges=edges)
    return Team(spec=spec, kinds={"adder": Specialist()}, parts={"adder": parts})


class OneNode:
    """A graph that is compiled once and run many times, as users do."""

    def __init__(self, steps: int, trivial: Any, store: Path | None = None) -> None:
        from bottega_agents.engine import LangGraphEngine

        self._engine = LangGraphEngine()
        self._steps, self._store = steps, store
        self._parts = agent(steps, trivial).parts
        self._team = one_node(self._parts)

    async def run(self, sink: io.StringIO) -> None:
        self._parts.model.restart(self._steps)  # type: ignore[attr-defined]
        job = Job(task="go", limits=BUDGET, store=self._store)
        async for event in self._engine.stream(self._team, job):
            sink.write(event.dumps() + "\n")


async def timed(work: Any) -> tuple[float, float]:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    await work
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


async def measure(repeats: int, trivial: Any) -> dict[str, Any]:
    ways: dict[str, dict[int, list[tuple[float, float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "bottega.db"
        graphs = {steps: OneNode(steps, trivial) for steps in STEPS}
        durable = {steps: OneNode(steps, trivial, store) for steps in STEPS}
        for repeat in range(repeats + 1):
            for steps in STEPS:
                works = {
                    "floor": floor(steps, trivial, io.StringIO()),
                    "loop": loop_alone(steps, trivial, io.StringIO()),
                    "graph": graphs[steps].run(io.StringIO()),
                    "graph_sqlite": durable[steps].run(io.StringIO()),
                }
                for name, work in works.items():
                    result = await timed(work)
                    if repeat:  # the first round warms up
                        ways.setdefault(name, {}).setdefault(steps, []).append(result)
    return {
        name: {str(s): _per_step(s, runs) for s, runs in by.items()} for name, by in ways.items()
    }


def _per_step(steps: int, runs: list[tuple[float, float]]) -> dict[str, float]:
    wall = statistics.median(run[0] for run in runs) / steps
    cpu = statistics.median(run[1] for run in runs) / steps
    return {"wall_ms": round(wall, 4), "cpu_ms": round(cpu, 4)}


def ratios(ways: dict[str, Any], clock: str) -> dict[str, float]:
    def ms(way: str, steps: int) -> float:
        return float(ways[way][str(steps)][clock])

    return {
        "graph_over_floor_at_50": round(ms("graph", 50) / ms("floor", 50), 2),
        "graph_200_over_50": round(ms("graph", 200) / ms("graph", 50), 2),
        "loop_over_floor_at_50": round(ms("loop", 50) / ms("floor", 50), 2),
        "journal_ms_per_step_at_50": round(ms("graph_sqlite", 50) - ms("graph", 50), 4),
        "journal_ms_per_step_at_200": round(ms("graph_sqlite", 200) - ms("graph", 200), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--sync-tool", action="store_true", help="a tool that runs in a thread")
    given = parser.parse_args()
    ways = asyncio.run(measure(given.repeats, add_sync if given.sync_tool else add))
    clocks = {clock: ratios(ways, clock) for clock in ("wall_ms", "cpu_ms")}
    print(json.dumps({"per_step": ways, "ratios": clocks}, indent=2))


if __name__ == "__main__":
    main()
