"""The critic: looks at an answer before it leaves the house.

It accepts, or sends the work back with reasons, at most `max_rounds` times. The judgement passes
through the decider: a prompt over a model, or whatever takes its place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bottega.decider import Judgement
from bottega.errors import BottegaError, StorageError
from bottega.escape import mask
from bottega.events import Decision, Failure, NodeEnded, NodeStarted
from bottega.node import AgentParts
from bottega.run import RunContext
from bottega_agents.graph.state import State
from bottega_agents.graph.surroundings import journal_of, run_of
from bottega_agents.roles.transcript import results_seen
from bottega_agents.storage.journal import NodeJournal

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

ACCEPT = "accept"
REVISE = "revise"
QUESTION = "Does the answer do what the task asks, and does the material support all of it?"
EVIDENCE_LIMIT = 12_000
"""Characters of evidence shown to the decider."""


@dataclass(frozen=True, kw_only=True)
class Critic:
    """The kind `critic`."""

    reviews: str
    """The node whose answer it reviews."""
    max_rounds: int = 2
    """How often it sends work back at most; then the answer stands."""
    rubric: str = ""
    """What a good answer must do, beyond doing the task and resting on the evidence."""
    delegates: Sequence[str] = ()
    outcomes: Sequence[str] = field(default=(ACCEPT, REVISE))

    @property
    def refers(self) -> Sequence[str]:
        """The node that is reviewed."""
        return (self.reviews,)

    @property
    def bound(self) -> int | None:
        """The most rounds."""
        return self.max_rounds

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the LangGraph node."""
        return CriticNode(parts, self).run


class CriticNode:
    """A critic at work."""

    def __init__(self, parts: AgentParts, kind: Critic) -> None:
        self.parts = parts
        self.kind = kind

    async def run(self, state: State, config: RunnableConfig) -> dict[str, Any]:
        """Judge the state's answer. Returns an update with the verdict, and reasons to revise."""
        run = run_of(config)
        name = self.parts.name
        run.emit(self._event(NodeStarted, run, role="critic", task=state.get("answer", "")))
        judgement = await self._judge_in_time(state, config, run)
        rounds = state.get("rounds", {}).get(name, 0)
        verdict, reason = self._verdict(judgement, rounds)
        decision = {"verdict": verdict, "probability": judgement.probability, "reason": reason}
        run.emit(self._event(Decision, run, question=QUESTION, **decision))
        run.emit(self._event(NodeEnded, run))
        if verdict == ACCEPT:
            return {"verdict": ACCEPT, "rounds": {name: 0}}
        return {
            "verdict": REVISE,
            "feedback": {self.kind.reviews: reason},
            "rounds": {name: rounds + 1},
        }

    async def _judge_in_time(
        self, state: State, config: RunnableConfig, run: RunContext
    ) -> Judgement:
        """Judge within the run's budget; a critic that fails leaves the answer as it is."""
        try:
            run.meter.check()
            async with asyncio.timeout(run.meter.seconds_left()):
                judgement = await self._judge(state, await journal_of(config))
        except StorageError:
            raise
        except (BottegaError, TimeoutError) as error:
            problem = mask(str(error)) or "the time is up"
            run.emit(self._event(Failure, run, error=type(error).__name__, message=problem))
            return Judgement(verdict=None, reason=f"the critic could not judge: {problem}")
        run.meter.add(judgement.usage)
        return judgement

    async def _judge(self, state: State, journal: NodeJournal) -> Judgement:
        if state.get("abstained"):
            return Judgement(verdict=True, reason="the team says honestly that it cannot tell")
        answer = state.get("answer", "")
        if not answer.strip():
            return Judgement(verdict=False, reason="there is no answer")
        parts = [f"Task: {state.get('task', '')}"]
        parts += [f"A good answer: {self.kind.rubric}"] if self.kind.rubric else []
        parts += [await self._evidence(state, journal)]
        return await self.parts.decider.judge(answer, context="\n\n".join(parts))

    def _verdict(self, judgement: Judgement, rounds: int) -> tuple[str, str]:
        if judgement.verdict is not False:
            unsure = "the critic cannot tell; the answer stands"
            return ACCEPT, judgement.reason or ("" if judgement.verdict else unsure)
        if rounds >= self.kind.max_rounds:
            return ACCEPT, f"still not good after {rounds} rounds: {judgement.reason}"
        return REVISE, judgement.reason or "the answer is not supported"

    async def _evidence(self, state: State, journal: NodeJournal) -> str:
        """Return what the answer may rest on: cited passages and results that its node has seen."""
        texts = [item["quote"] for item in state.get("citations", ())]
        transcript = state.get("transcripts", {}).get(self.kind.reviews)
        if transcript:
            results = await results_seen(transcript, journal)
            texts += [result.content for result in results if not result.is_error]
        return "\n\n".join(dict.fromkeys(texts))[:EVIDENCE_LIMIT]

    def _event(self, kind: Any, run: RunContext, **fields: Any) -> Any:
        return kind(run_id=run.run_id, node=self.parts.name, time=time.time(), **fields)
