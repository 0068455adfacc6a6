"""What this package offers: kinds of agents, the LangGraph engine, stores for runs."""

from __future__ import annotations

from typing import Any

from bottega.offer import Offer
from bottega.plugin.context import FactoryContext
from bottega.plugin.spec import hookimpl
from bottega_agents.consensus import offers as consensus
from bottega_agents.flow import offers as flow
from bottega_agents.planning import offers as planning
from bottega_agents.roles import offers as roles
from bottega_agents.storage import offers as storage

bottega_api = 1


@hookimpl
def bottega_agents() -> list[Offer]:
    """Offer the kinds of every room."""
    return [*roles.offers(), *consensus.offers(), *planning.offers(), *flow.offers()]


@hookimpl
def bottega_engines() -> list[Offer]:
    """Offer LangGraph."""
    return [Offer(name="langgraph", summary="Runs graphs on LangGraph.", factory=_engine)]


@hookimpl
def bottega_checkpointers() -> list[Offer]:
    """Offer SQLite and PostgreSQL."""
    return storage.offers()


def _engine(context: FactoryContext) -> Any:
    from bottega_agents.engine import LangGraphEngine

    return LangGraphEngine(context.plugins)
