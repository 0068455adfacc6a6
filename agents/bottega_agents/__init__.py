"""Agent kinds as LangGraph nodes, and the compiler from graph files to LangGraph graphs.

The names below are what a `StateGraph` built by hand needs; each is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bottega.lazy import lazy_names

if TYPE_CHECKING:
    from bottega_agents.graph.compiler import compile_team, delegated
    from bottega_agents.graph.state import State
    from bottega_agents.planning.planner import Planner
    from bottega_agents.recovery import recover_team
    from bottega_agents.roles.coordinator import Coordinator
    from bottega_agents.roles.critic import Critic
    from bottega_agents.roles.specialist import Specialist

__all__ = [
    "Coordinator",
    "Critic",
    "Planner",
    "Specialist",
    "State",
    "compile_team",
    "delegated",
    "recover_team",
]

_HOMES = {
    "Coordinator": "roles.coordinator",
    "Critic": "roles.critic",
    "Planner": "planning.planner",
    "Specialist": "roles.specialist",
    "State": "graph.state",
    "compile_team": "graph.compiler",
    "delegated": "graph.compiler",
    "recover_team": "recovery",
}

__getattr__ = lazy_names(__name__, _HOMES)
