"""What this room offers: coordinator, specialist and critic."""

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
            name="coordinator",
            summary="Splits the task, delegates to specialists, composes their reports.",
            factory=_coordinator,
        ),
        Offer(
            name="specialist",
            summary="Does its task with its own tools.",
            factory=_specialist,
        ),
        Offer(
            name="critic",
            summary="Accepts an answer or sends it back with reasons, a bounded number of times.",
            factory=_critic,
        ),
    ]


def _coordinator(
    context: FactoryContext,
    *,
    delegates: Sequence[str],
    talks_to: Sequence[str] = (),
    board: bool = False,
    hands_off_to: Sequence[str] = (),
) -> Any:
    from bottega_agents.communication.talk import Talk
    from bottega_agents.roles.coordinator import Coordinator

    if not delegates:
        raise InputError("a coordinator needs at least one delegate", hint="or be a specialist")
    talk = Talk(talks_to=tuple(talks_to), board=board, hands_off_to=tuple(hands_off_to))
    return Coordinator(delegates=tuple(delegates), talk=talk)


def _specialist(
    context: FactoryContext,
    *,
    talks_to: Sequence[str] = (),
    board: bool = False,
    hands_off_to: Sequence[str] = (),
) -> Any:
    from bottega_agents.communication.talk import Talk
    from bottega_agents.roles.specialist import Specialist

    talk = Talk(talks_to=tuple(talks_to), board=board, hands_off_to=tuple(hands_off_to))
    return Specialist(talk=talk)


def _critic(
    context: FactoryContext,
    *,
    reviews: str,
    max_rounds: int = 2,
    rubric: str | Sequence[Any] = "",
    accept_at: float | None = None,
) -> Any:
    from bottega_agents.roles.critic import Critic
    from bottega_agents.roles.rubric import read_rubric

    if max_rounds < 1:
        raise InputError("max_rounds must be at least 1", hint="leave it out for 2")
    if accept_at is not None and not 0 < accept_at <= 1:
        raise InputError("accept_at must be above 0 and at most 1", hint="for example 0.8")
    return Critic(
        reviews=reviews,
        max_rounds=max_rounds,
        rubric=read_rubric(rubric),
        accept_at=accept_at,
    )
