"""From a team to a LangGraph graph.

Every node is wrapped in its routing: the update that it returns becomes a LangGraph `Command` that
also says where to go next. A node that was asked by a coordinator goes back to it with its report,
whatever its kind. What comes out is an ordinary graph: it streams, draws and runs in LangGraph's
own tools.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from bottega.engine import Team
from bottega.spec.model import END, START, EdgeSpec
from bottega_agents.graph.leases import leased
from bottega_agents.graph.state import State
from bottega_agents.roles.coordinator import report, report_key

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph


def compile_team(team: Team, checkpointer: Any = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Compile the team; the input is `{"task": ...}`, the answer is in the state's `answer`."""
    from langgraph.graph import END as LG_END
    from langgraph.graph import START as LG_START
    from langgraph.graph import StateGraph

    builder: Any = StateGraph(State)  # its own types are only partly known
    callers = _callers(team)
    limits = {name: parts.limits for name, parts in team.parts.items() if parts.limits}
    for node in team.spec.nodes:
        edges = [edge for edge in team.spec.edges if edge.source == node.name]
        kind = team.kinds[node.name]
        targets = {LG_END if edge.target == END else edge.target for edge in edges}
        destinations = {*targets, *kind.delegates, *callers.get(node.name, ()), LG_END}
        spending = leased(node.name, kind.build(team.parts[node.name]), limits)
        run = _routed(spending, edges, LG_END)
        builder.add_node(node.name, run, destinations=tuple(sorted(destinations)))
    for edge in team.spec.edges:
        if edge.source == START:
            builder.add_edge(LG_START, edge.target)
    return builder.compile(checkpointer=checkpointer, name=team.spec.name)  # type: ignore[no-any-return]


def _callers(team: Team) -> dict[str, list[str]]:
    callers: dict[str, list[str]] = {}
    for name, kind in team.kinds.items():
        for delegate in kind.delegates:
            callers.setdefault(delegate, []).append(name)
    return callers


def delegated(node: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a node so that it reports back to the coordinator that asked it, when one did.

    The compiler wraps every node so; in a `StateGraph` built by hand it is the way to give a
    coordinator its specialists.
    """

    async def run(state: State, config: RunnableConfig) -> Any:
        from langgraph.types import Command

        update = await node(state, config)
        caller = state.get("caller")
        if not caller or isinstance(update, Command):
            return cast("Any", update)
        key = report_key(caller, state.get("call_id", ""))
        back = {"reports": {key: report(update)}, "spent": update.get("spent", {})}
        command: Any = Command(update=back, goto=caller)
        return command

    return run


def _routed(node: Callable[..., Any], edges: Sequence[EdgeSpec], end: str) -> Callable[..., Any]:
    """Wrap a node so that it says where to go next."""
    reporting = delegated(node)

    async def run(state: State, config: RunnableConfig) -> Any:
        from langgraph.types import Command

        update = await reporting(state, config)
        if isinstance(update, Command):
            return cast("Any", update)
        command: Any = Command(update=update, goto=_target(update, edges, end))
        return command

    return run


def _target(update: Mapping[str, Any], edges: Sequence[EdgeSpec], end: str) -> str:
    """Return the node after this one: a failed node ends the run."""
    if update.get("status", "done") != "done":
        return end
    verdict = update.get("verdict", "")
    fitting = [edge for edge in edges if edge.outcome in ("", verdict)]
    named = [edge for edge in fitting if edge.outcome]
    targets = [edge.target for edge in named or fitting]
    return targets[0] if targets and targets[0] != END else end
