"""The panel: one task for several members at once, and one answer that comes of theirs.

A panel is wired as a coordinator is: its members are nodes of the graph, LangGraph `Send`s start
them in parallel, and the panel is visited again with their reports. What it makes of them is its
kind's business: `vote`, `judge`, `debate`, `best_of`. A member that fails or abstains is told of
and left out; only where nobody has an answer the panel fails, or abstains as they did.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bottega.errors import BudgetExceeded
from bottega.events import Answer, MessageSent, NodeEnded, NodeStarted, Status
from bottega.messages import Citation
from bottega.node import AgentParts
from bottega_agents.communication.mail import letter
from bottega_agents.consensus.opinion import Ask, Opinion, Verdict
from bottega_agents.consensus.sitting import Sitting
from bottega_agents.graph.state import State
from bottega_agents.graph.surroundings import journal_of, run_of
from bottega_agents.roles.decisions import Decisions

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

ABSTAINS = "The panel has no answer: {reason}."


@dataclass(frozen=True, kw_only=True)
class Panel(ABC):
    """What all kinds of panels have; a kind says what comes of the answers."""

    members: Sequence[str]
    """The nodes that are asked."""
    then: str = ""
    """Where to go when it is done: only for a `StateGraph` built by hand."""
    refers: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    bound: int | None = None

    @property
    def delegates(self) -> Sequence[str]:
        """The members, and whoever else is asked."""
        return self.members

    @property
    @abstractmethod
    def role(self) -> str:
        """The kind's name."""

    def open(self, sitting: Sitting) -> Sequence[Ask]:
        """Return what is asked first: every member the same."""
        return [sitting.ask(member) for member in self.members]

    @abstractmethod
    async def settle(self, sitting: Sitting) -> Verdict | Sequence[Ask]:
        """Return what comes of the answers so far, or what is to be asked next.

        There is at least one answer that counts in some round.
        """

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the LangGraph node."""
        return PanelNode(parts, self).run


class PanelNode:
    """A panel at work."""

    def __init__(self, parts: AgentParts, kind: Panel) -> None:
        self.parts = parts
        self.kind = kind

    async def run(self, state: State, config: RunnableConfig) -> Any:
        """Ask the members, or make one answer of theirs. Returns an update of the state."""
        run = run_of(config, self.parts.limits)
        decisions = Decisions(self.parts, run, await journal_of(config))
        sitting = Sitting(self.parts.name, state, run, decisions)
        if sitting.goes_on:
            settled = await self._settled(sitting)
        else:
            sitting.tell(NodeStarted, role=self.kind.role, task=state.get("task", ""))
            settled = self.kind.open(sitting)
        if isinstance(settled, Verdict):
            return self._left(sitting, settled)
        return self._asking(sitting, settled)

    async def _settled(self, sitting: Sitting) -> Verdict | Sequence[Ask]:
        if any(opinion.counts for opinions in sitting.rounds for opinion in opinions):
            return await self.kind.settle(sitting)
        reasons = [f"{one.member}: {one.why_not}" for one in sitting.opinions]
        return Verdict(winner=None, reason="; ".join(reasons))

    def _asking(self, sitting: Sitting, asks: Sequence[Ask]) -> Any:
        from langgraph.types import Command, Send

        sends: list[Any] = []
        for number, ask in enumerate(asks):
            sitting.tell(MessageSent, to=ask.member, text=ask.task)
            call_id = sitting.call_id(number)
            quotes = enumerate(ask.quotes)
            mail = {f"{call_id}.{n}": letter(ask.member, *quote) for n, quote in quotes}
            task = {"task": ask.task, "citations": list(ask.citations), "mail": mail}
            sends.append(Send(ask.member, {**task, "caller": sitting.name, "call_id": call_id}))
        update = {**_costs(sitting), "panels": {sitting.name: sitting.asking(asks)}}
        update["mail"] = dict.fromkeys(sitting.mail)  # what comes later waits for the next ask
        return Command(update=update, goto=sends)

    def _left(self, sitting: Sitting, verdict: Verdict) -> Any:
        from langgraph.types import Command

        status, reason = _status(sitting, verdict)
        winner = verdict.winner or _scraps(sitting, status)
        text = winner.text if winner else ABSTAINS.format(reason=verdict.reason.rstrip("."))
        citations = list(winner.citations) if winner else []
        partial, abstained = status == "budget", winner is None
        share = verdict.share
        sitting.decided(sitting.question, text if winner else "abstain", verdict.reason, share)
        update: dict[str, Any] = {
            **_costs(sitting),
            "panels": {sitting.name: sitting.over()},
            "status": status,
            "reason": reason,
            "score": share,
            "feedback": {sitting.name: ""},
        }
        if status != "failed":
            cited = tuple(Citation(**item) for item in citations)
            sitting.tell(Answer, text=text, citations=cited, abstained=abstained, partial=partial)
            update |= {"answer": text, "author": sitting.name, "citations": citations}
            update |= {"abstained": abstained, "partial": partial}
        sitting.tell(NodeEnded, status=status, reason=reason)
        return Command(update=update, goto=self.kind.then) if self.kind.then else update


def _costs(sitting: Sitting) -> dict[str, Any]:
    return {
        "reports": sitting.read(),
        "spent": sitting.run.meter.spent,
    }


def _status(sitting: Sitting, verdict: Verdict) -> tuple[Status, str]:
    """Say how the panel ends: with the run's budget, or failed where all its members have."""
    opinions = [opinion for opinions in sitting.rounds for opinion in opinions]
    if any(opinion.status == "budget" for opinion in opinions):
        try:
            sitting.run.meter.check()
        except BudgetExceeded as error:
            return "budget", error.message
    failed = all(opinion.status != "done" for opinion in opinions)
    return ("failed", verdict.reason) if failed and verdict.winner is None else ("done", "")


def _scraps(sitting: Sitting, status: Status) -> Opinion | None:
    """Return what a member had when the budget ended."""
    texts = [opinion for opinion in sitting.opinions if opinion.text and not opinion.abstained]
    return texts[0] if texts and status == "budget" else None
