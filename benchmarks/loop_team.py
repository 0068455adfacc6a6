"""A coordinator with three specialists: what it costs to go from one agent to another.

The coordinator gives work to one specialist after the other and then answers; each specialist calls
a trivial tool once and reports. Six times the work goes from one to the other: six hops. Beside it,
in the venv of the peers, `peers/command.py`: the same with LangGraph's `Command`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from loop_timing import DONE, per_step
from loop_ways import Plugin, graph_of, heard

from bottega.model import CallDelta, Delta, End, Request, TextDelta, Usage

SPECIALISTS = ("anna", "bruno", "carla")
HOPS = 2 * len(SPECIALISTS)
TEAM = """
name: team
model: "counter:2:0"
nodes:
  lead: {kind: coordinator, model: lead, delegates: [anna, bruno, carla]}
  anna: {kind: specialist, description: adds, tools: [add]}
  bruno: {kind: specialist, description: adds, tools: [add]}
  carla: {kind: specialist, description: adds, tools: [add]}
edges: [start -> lead, lead -> end]
limits: {steps: 1000}
"""


class Lead:
    """Give work to the specialists in turn, then answer."""

    name = "lead"

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        asked = (len(request.messages) - 2) // 2
        if asked < len(SPECIALISTS):
            name = SPECIALISTS[asked]
            yield CallDelta(index=0, id=f"d{asked}", name=name, arguments='{"task": "add"}')
            yield End(finish="tool_calls", usage=Usage(input_tokens=1, output_tokens=1))
        else:
            yield TextDelta(text=DONE)
            yield End(usage=Usage(input_tokens=1, output_tokens=1))


async def measure(repeats: int) -> dict[str, Any]:
    """Return the milliseconds a hop."""
    graph = graph_of(TEAM, Plugin({"lead": lambda context: Lead()}))

    async def run(steps: int, delay: float) -> str:
        return await heard(graph.astream("go"))

    result = await per_step({"team": run}, HOPS, repeats)
    return {**result["team"], "hops": HOPS}


def main(repeats: int) -> dict[str, Any]:
    """Measure in this process."""
    return asyncio.run(measure(repeats))
