"""The two nodes around the others of a graph that counts: one before the first, one before the end.

Neither asks a model anything. What tokens and parcels are is told in `bottega_agents.graph.plan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bottega.spec.condition import Value
from bottega.spec.model import END
from bottega.spec.ways import chosen
from bottega_agents.graph.branches import before, joined, taken_out
from bottega_agents.graph.plan import Plan, graph_end
from bottega_agents.graph.state import RESET, State

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


class Begin:
    """What stands before the first nodes: it sets the counts to nothing and takes the first way."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    async def run(self, state: State, config: RunnableConfig) -> Any:
        """Begin. Returns a `Command`."""
        from langgraph.types import Command

        known: dict[str, Value] = {"task": state.get("task", ""), "failed": False}
        way, _ = chosen(self._plan.ways["start"], known, {})
        targets = way.targets if way else (END,)
        update: dict[str, Any] = {
            "tokens": {RESET: 1, **dict.fromkeys(targets, 1.0)},
            "taken": {RESET: 1},
            "inbox": {RESET: {}},
            "underway": dict.fromkeys(state.get("underway", {})),
        }
        goto = [graph_end(self._plan.node_of(target)) for target in targets]
        command: Any = Command(update=update, goto=goto)
        return command


class Gather:
    """What stands before the end: it waits for all branches and puts their answers together."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    async def run(self, state: State, config: RunnableConfig) -> Any:
        """End the run, once no branch is at work. Returns a `Command`."""
        from langgraph.graph import END as LG_END
        from langgraph.types import Command

        tokens = state.get("tokens", {})
        parcels = before(state, END, self._plan.names)
        if not parcels or self._plan.waits(END, tokens):
            return {}
        update = {key: value for key, value in joined(parcels).items() if key != "from"}
        update |= {"tokens": {END: -tokens.get(END, 0)}, "inbox": {END: taken_out(state, END)}}
        command: Any = Command(update=update, goto=LG_END)
        return command
