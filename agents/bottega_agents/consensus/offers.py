"""What this room offers: the kinds `vote`, `judge`, `debate` and `best_of`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

MOST_MEMBERS = 16
MOST_ROUNDS = 10
MOST_TRIES = 32
"""Of all members of `best_of` together."""

Ties = Literal["first", "abstain"]
Compare = Literal["meaning", "text"]


def offers() -> list[Offer]:
    """Return the kinds."""
    return [
        Offer(
            name="vote",
            summary="Gives the task to several nodes; the answer of most of them counts.",
            factory=_vote,
        ),
        Offer(
            name="judge",
            summary="Gives the task to several nodes; a decider picks the best answer.",
            factory=_judge,
        ),
        Offer(
            name="debate",
            summary="Lets several nodes see each other's answers and revise, until they agree.",
            factory=_debate,
        ),
        Offer(
            name="best_of",
            summary="Has a task done several times, scores each answer, keeps the best.",
            factory=_best_of,
        ),
    ]


def _vote(
    context: FactoryContext,
    *,
    members: Sequence[str],
    weights: Mapping[str, float] | None = None,
    share: float = 0.0,
    ties: Ties = "first",
    compare: Compare = "meaning",
) -> Any:
    from bottega_agents.consensus.vote import Vote, weight_problem

    made = Vote(
        members=_several(members),
        weights=weights or {},
        share=share,
        ties=ties,
        compare=compare,
    )
    _within("share", share, 0, 1)
    problem = weight_problem(made.weights, made.members)
    if problem:
        raise InputError(problem, hint="for example `weights: {expert: 2}`")
    return made


def _judge(context: FactoryContext, *, members: Sequence[str], rubric: str = "") -> Any:
    from bottega_agents.consensus.judge import Judge

    return Judge(members=_several(members), rubric=rubric)


def _debate(
    context: FactoryContext,
    *,
    members: Sequence[str],
    rounds: int = 2,
    settle_by: Literal["vote", "judge"] = "vote",
    rubric: str = "",
    compare: Compare = "meaning",
) -> Any:
    from bottega_agents.consensus.debate import Debate

    _within("rounds", rounds, 1, MOST_ROUNDS)
    return Debate(
        members=_several(members),
        rounds=rounds,
        settle_by=settle_by,
        rubric=rubric,
        compare=compare,
    )


def _best_of(
    context: FactoryContext,
    *,
    members: Sequence[str],
    samples: int = 3,
    verifier: str = "",
    floor: float = 0.0,
) -> Any:
    from bottega_agents.consensus.best_of import BestOf

    if not members:
        raise InputError("best_of needs a member", hint="for example `members: [writer]`")
    _within("samples", samples, 1, MOST_TRIES // len(members))
    _within("floor", floor, 0, 1)
    return BestOf(members=tuple(members), samples=samples, verifier=verifier, floor=floor)


def _several(members: Sequence[str]) -> tuple[str, ...]:
    if not 2 <= len(members) <= MOST_MEMBERS:
        raise InputError(
            f"{len(members)} members: a panel has 2 to {MOST_MEMBERS}",
            hint="for example `members: [optimist, sceptic, expert]`",
        )
    return tuple(members)


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise InputError(f"{name} must be from {least:g} to {most:g}, not {value:g}")
