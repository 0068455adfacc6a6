"""Running a compiled graph to its end, or to where it waits, and what is read of its state then.

LangGraph's `ainvoke` does the same with two streams, one of them of each node's whole update.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bottega.questions import Question

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.types import Durability

FIELDS = ["run", "status", "reason", "answer", "citations", "abstained", "partial"]
"""What is read of the state in the end: reading all of it after each step takes its time."""
WAITS = "__interrupt__"
"""LangGraph's name for the interrupts among the values of the state."""


async def outcome(
    graph: Any, start: Any, config: RunnableConfig, durability: Durability | None
) -> dict[str, Any]:
    """Run the graph. Returns the fields above, and under `WAITS` all the interrupts it waits for.

    Raises what the nodes raise, GraphRecursionError for more super-steps than the bound.
    """
    state: dict[str, Any] = {}
    waits: list[Any] = []
    steps = graph.astream(
        start, config, stream_mode="values", output_keys=FIELDS, durability=durability
    )
    async for values in steps:
        state = dict(values)  # each node that waits has one of its own, with its interrupts only
        waits += state.pop(WAITS, ())
    return {**state, WAITS: waits} if waits else state


def waits_for(state: Mapping[str, Any]) -> list[Question]:
    """Return what the graph's nodes wait for, when they wait."""
    return [Question.from_json(item) for one in state.get(WAITS, ()) for item in one.value]
