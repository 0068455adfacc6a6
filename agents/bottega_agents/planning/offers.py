"""What this room offers: the planner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext


def offers() -> list[Offer]:
    """Return the kinds."""
    return [
        Offer(
            name="planner",
            summary="Plans tasks for others, runs them in parallel, changes the plan when it must.",
            factory=_planner,
        )
    ]


def _planner(
    context: FactoryContext,
    *,
    delegates: Sequence[str],
    approve: bool = False,
    max_plans: int = 3,
    at_once: int = 4,
) -> Any:
    from bottega_agents.planning.planner import Planner

    if not delegates:
        raise InputError("a planner needs at least one delegate", hint="or be a specialist")
    if max_plans < 1:
        raise InputError("max_plans must be at least 1", hint="leave it out for 3")
    if at_once < 1:
        raise InputError("at_once must be at least 1", hint="leave it out for 4")
    return Planner(
        delegates=tuple(delegates), approve=approve, max_plans=max_plans, at_once=at_once
    )
