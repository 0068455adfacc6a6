"""Agent kinds as LangGraph nodes, and the compiler from graph files to LangGraph graphs.

The names below are what a `StateGraph` built by hand needs; each is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bottega.lazy import lazy_names

if TYPE_CHECKING:
    from bottega_agents.compiler import compile_team, delegated
    from bottega_agents.coordinator import Coordinator
    from bottega_agents.critic import Critic
    from bottega_agents.specialist import Specialist
    from bottega_agents.state import State

__all__ = ["Coordinator", "Critic", "Specialist", "State", "compile_team", "delegated"]

_HOMES = {
    "Coordinator": "coordinator",
    "Critic": "critic",
    "Specialist": "specialist",
    "State": "state",
    "compile_team": "compiler",
    "delegated": "compiler",
}

__getattr__ = lazy_names(__name__, _HOMES)
