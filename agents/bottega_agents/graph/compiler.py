"""From a team to a LangGraph graph.

What comes out is an ordinary graph: it streams, draws and runs in LangGraph's own tools, by
`invoke` as by `ainvoke`. Its nodes route themselves (`bottega_agents.graph.routing`); what is drawn
between them says where to, and when.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bottega.budget import UNLIMITED
from bottega.engine import Team
from bottega.pricing import require_team_prices
from bottega.spec.model import START
from bottega.spec.ways import Way
from bottega_agents.graph.blocking import either_way
from bottega_agents.graph.ends import Begin, Gather
from bottega_agents.graph.fields import state_of
from bottega_agents.graph.leases import leased
from bottega_agents.graph.plan import BEGIN, GATHER, Plan, graph_end
from bottega_agents.graph.routing import Routed, delegated

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["compile_team", "delegated"]


def compile_team(team: Team, checkpointer: Any = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Compile the team; the input is `{"task": ...}`, the answer is in the state's `answer`.

    Raises ExpressionError for a condition that cannot be read, InputError for a node's limit of
    money on what has no known price.
    """
    from langgraph.graph import END as LG_END
    from langgraph.graph import START as LG_START
    from langgraph.graph import StateGraph

    require_team_prices(UNLIMITED, team)
    handovers = {name: getattr(kind, "hands_off_to", ()) for name, kind in team.kinds.items()}
    plan, callers = Plan.of(team.spec, handovers), _callers(team)
    builder: Any = StateGraph(state_of(team, plan))  # its own types are only partly known
    people = [name for name, kind in team.kinds.items() if getattr(kind, "is_person", False)]
    limits = {name: parts.limits for name, parts in team.parts.items() if parts.limits}
    for node in team.spec.nodes:
        kind = team.kinds[node.name]
        built = kind.build(team.parts[node.name])
        inner = getattr(getattr(built, "__self__", None), "inner", None)
        routed = Routed(node.name, leased(node.name, built, limits), plan, people)
        others: dict[str, str | None] = dict.fromkeys(kind.delegates)
        others |= dict.fromkeys(callers.get(node.name, ()))
        others |= dict.fromkeys(handovers[node.name])
        drawn = others | _drawn(plan.ways[node.name], plan)
        builder.add_node(node.name, either_way(routed.run, inner), destinations=drawn)
    first = [target for way in plan.ways[START] for target in way.targets]
    if plan.gathers:
        gather = either_way(Gather(plan).run)
        builder.add_node(GATHER, gather, destinations={LG_END: None})
    if plan.counts:
        drawn = _drawn(plan.ways[START], plan)
        builder.add_node(BEGIN, either_way(Begin(plan).run), destinations=drawn)
        first = [BEGIN]
    for name in first:
        builder.add_edge(LG_START, name)
    return builder.compile(checkpointer=checkpointer, name=team.spec.name)  # type: ignore[no-any-return]


def _callers(team: Team) -> dict[str, list[str]]:
    callers: dict[str, list[str]] = {}
    for name, kind in team.kinds.items():
        for delegate in kind.delegates:
            callers.setdefault(delegate, []).append(name)
    return callers


def _drawn(ways: Iterable[Way], plan: Plan) -> dict[str, str | None]:
    """Return where ways lead to, with what takes them."""
    labels: dict[str, str] = {}
    for edge in (edge for way in ways for edge in way.edges):
        name = graph_end(plan.node_of(edge.target))
        words = [word for word in (labels.get(name, ""), edge.label) if word]
        labels[name] = " / ".join(words)
    return {name: label or None for name, label in labels.items()}
