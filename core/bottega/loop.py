"""The loop of thought, action and observation.

    ask the model -> read its reply -> carry out the calls -> report the results -> ask again

until there is an answer, a limit is reached or the model cannot be understood. Everything that
happens is an event. Whatever a tool or a reply does wrong goes back to the model as an observation,
a bounded number of times.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bottega import chance
from bottega.citations import evidence_in, resolve
from bottega.dialect import Turn
from bottega.errors import BottegaError, BudgetExceeded
from bottega.escape import mask
from bottega.events import Answer, BudgetReached, Event, Failure
from bottega.journal import Journal, NullJournal
from bottega.messages import Citation, Message
from bottega.node import AgentParts
from bottega.outcome import Outcome
from bottega.run import RunContext
from bottega.steps import Steps

E = TypeVar("E", bound=Event)


@dataclass(slots=True)
class Loop:
    """One agent at work on one conversation. Iterate `events()`, then read `outcome`."""

    parts: AgentParts
    run: RunContext
    messages: list[Message]
    """The conversation; grows as the loop goes."""
    journal: Journal = field(default_factory=NullJournal)
    path: str = ""
    """Names this loop within the run, beyond the agent's name: part of idempotency keys."""
    step: int = 0
    """The last step taken; a loop that goes on after a hand-over goes on counting."""
    began: int = 0
    """Where in the conversation this loop's own part begins."""
    task: str = ""
    """What the visit at work is to do: the message that says so is never left out."""
    evidence: Mapping[str, Citation] = field(default_factory=dict[str, Citation])
    """Passages that the answer may point at beside those in the conversation, by key."""
    left_out: Mapping[str, Citation] = field(default_factory=dict[str, Citation])
    """Passages that messages point at whose results were left out, by key."""
    thought: str = ""
    """The last thing that the model thought."""
    unfinished: Turn = Turn()
    """A reply that was cut: better than nothing when there is no time or money for another."""
    outcome: Outcome = Outcome(status="cancelled", reason="the loop did not end")

    def events(self) -> AsyncGenerator[Event, None]:
        """Work, and report. Never raises on what models and tools do wrong: see `outcome`."""
        return Steps(self).events()

    def fail(self, error: BottegaError) -> list[Event]:
        """Take the error as the outcome; return the events that tell of it."""
        if isinstance(error, BudgetExceeded):
            return self._out_of_budget(error)
        self.outcome = Outcome(status="failed", reason=mask(error.message), error=error)
        return [
            self.event(
                Failure,
                error=type(error).__name__,
                message=mask(error.message),
                hint=mask(error.hint),
                retryable=error.retryable,
                fatal=True,
            )
        ]

    def event(self, kind: type[E], **fields: Any) -> E:
        """Make an event of this loop."""
        return kind(
            run_id=self.run.run_id,
            node=self.parts.name,
            step=self.step,
            time=chance.now(),
            **fields,
        )

    def answer(
        self,
        text: str,
        *,
        cited: Sequence[Citation] = (),
        abstained: bool = False,
        partial: bool = False,
    ) -> Answer:
        """Make the answer, with the passages that its keys point at.

        `cited` are passages that the model named itself; they go before others of the same key.
        """
        named = {citation.key: citation for citation in cited}
        citations = resolve(
            text, {**self.evidence, **self.left_out, **evidence_in(self.messages), **named}
        )
        return self.event(
            Answer, text=text, citations=citations, abstained=abstained, partial=partial
        )

    def _out_of_budget(self, error: BudgetExceeded) -> list[Event]:
        reached = self.event(
            BudgetReached, limit=error.limit, allowed=error.allowed, spent=error.spent
        )
        best = self._best_so_far()
        answer = self.answer(best, partial=True) if best else None
        self.outcome = Outcome(status="budget", reason=error.message, error=error, answer=answer)
        return [reached, answer] if answer else [reached]

    def _best_so_far(self) -> str:
        """Return what comes nearest to an answer: a good result, what was begun, a thought."""
        for message in reversed(self.messages[self.began :]):
            good = [result.content for result in message.results if not result.is_error]
            if good:
                return good[-1]
        return self.unfinished.answer or self.unfinished.thought or self.thought
