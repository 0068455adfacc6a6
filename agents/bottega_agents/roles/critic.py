"""The critic: looks at an answer before it leaves the house.

It accepts, or sends the work back with what was missed, at most `max_rounds` times; then the best
version that it has seen leaves, not the last. The judgement passes through the decider: a prompt
over a model, or whatever takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bottega.events import Decision, NodeEnded, NodeStarted
from bottega.node import AgentParts
from bottega.run import RunContext
from bottega_agents.graph.state import State
from bottega_agents.graph.surroundings import journal_of, run_of
from bottega_agents.roles.decisions import Decisions
from bottega_agents.roles.rubric import Criterion, Finding, Review, missed, total
from bottega_agents.roles.transcript import results_seen
from bottega_agents.roles.versions import best_version, restored, version
from bottega_agents.storage.journal import NodeJournal

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

ACCEPT = "accept"
REVISE = "revise"
QUESTION = "Does the answer do what the task asks, and does the material support all of it?"
ALL_CRITERIA = "Does the answer meet the criteria?"
ABSTAIN = "abstain"
"""What is told where nothing could be judged; the answer then goes where an accepted one goes."""
UNSURE = "the critic cannot tell; the answer stands"
EVIDENCE_LIMIT = 12_000
"""Characters of evidence shown to the decider."""
ENOUGH = 0.7
"""Score from which criteria are met, where nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Critic:
    """The kind `critic`."""

    reviews: str
    """The node whose answer it reviews."""
    max_rounds: int = 2
    """How often it sends work back at most; then the best version stands."""
    rubric: str | tuple[Criterion, ...] = ""
    """What a good answer must do: beyond doing the task and resting on the evidence, as a text; or
    criteria that are scored one by one."""
    accept_at: float | None = None
    """Score from which an answer is accepted, from 0 to 1; None for 0.7 with criteria, and for the
    decider's own yes or no without."""
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
        run = run_of(config, self.parts.limits)
        run.tell(NodeStarted, self.parts.name, role="critic", task=state.get("answer", ""))
        journal = await journal_of(config)
        decisions = Decisions(self.parts, run, journal)
        review = await self._review(state, decisions, run, journal)
        update = self._concluded(state, review, run)
        run.tell(NodeEnded, self.parts.name)
        return {"score": review.value, **update, "spent": run.meter.spent}

    async def _review(
        self, state: State, decisions: Decisions, run: RunContext, journal: NodeJournal
    ) -> Review:
        if state.get("abstained"):
            return Review(accepted=True, reason="the team says honestly that it cannot tell")
        if not state.get("answer", "").strip():
            return Review(accepted=False, value=0.0, reason="there is no answer")
        if isinstance(self.kind.rubric, str):
            return await self._free(state, self.kind.rubric, decisions, journal)
        return await self._by_criteria(state, self.kind.rubric, decisions, run)

    async def _free(
        self, state: State, rubric: str, decisions: Decisions, journal: NodeJournal
    ) -> Review:
        """Ask whether the answer is right: a decider that abstains leaves it as it is."""
        parts = [f"Task: {state.get('task', '')}"]
        parts += [f"A good answer: {rubric}"] if rubric else []
        parts += [await self._evidence(state, journal)]
        answer = state.get("answer", "")
        judgement = await decisions.judge(answer, context="\n\n".join(parts))
        accepted, value = judgement.verdict, judgement.probability
        if value is None and accepted is not None:
            value = float(accepted)
        if self.kind.accept_at is not None and value is not None:
            accepted = value >= self.kind.accept_at
        return Review(accepted=accepted, value=value, reason=judgement.reason)

    async def _by_criteria(
        self,
        state: State,
        criteria: Sequence[Criterion],
        decisions: Decisions,
        run: RunContext,
    ) -> Review:
        """Score the answer on each criterion; those that cannot be scored do not count."""
        task = " ".join(state.get("task", "").split())
        context = f"Task: {task}\n\n{state.get('answer', '')}"
        findings: list[Finding] = []
        for criterion in criteria:
            score = await decisions.score(criterion.text, context=context)
            findings.append(Finding(criterion=criterion, value=score.value, reason=score.reason))
            verdict = "abstain" if score.value is None else f"{score.value:.2f}"
            reason = f"{criterion.text}: {score.reason}".rstrip(": ")
            told = {"verdict": verdict, "probability": score.value, "reason": reason}
            run.tell(Decision, self.parts.name, question=criterion.text, **told)
        value, accept_at = total(findings), self.kind.accept_at or ENOUGH
        if value is None:
            reasons = [one.reason for one in findings if one.reason]
            return Review(accepted=None, reason="; ".join(dict.fromkeys(reasons)))
        reason = missed(findings, accept_at)
        return Review(accepted=value >= accept_at, value=value, reason=reason)

    def _concluded(self, state: State, review: Review, run: RunContext) -> dict[str, Any]:
        """Accept, send back, or let the best version stand."""
        name = self.parts.name
        rounds = state.get("rounds", {}).get(name, 0)
        now = version(state, review.value, rounds + 1)
        best = now if review.accepted is not False else best_version(state, name, now)
        if review.accepted is False and rounds < self.kind.max_rounds:
            reason = review.reason or "the answer is not supported"
            self._decided(run, REVISE, review, reason)
            return {
                "verdict": REVISE,
                "feedback": {self.kind.reviews: reason},
                "rounds": {name: rounds + 1},
                "best": {name: dict(best)},
            }
        said = ABSTAIN if review.accepted is None else ACCEPT
        self._decided(run, said, review, _why(review, rounds, best))
        update = {"verdict": ACCEPT, "rounds": {name: 0}, "best": {name: None}}
        return update if best is now else {**update, **restored(best), "score": best["score"]}

    def _decided(self, run: RunContext, verdict: str, review: Review, reason: str) -> None:
        question = QUESTION if isinstance(self.kind.rubric, str) else ALL_CRITERIA
        told = {"verdict": verdict, "probability": review.value, "reason": reason}
        run.tell(Decision, self.parts.name, question=question, **told)

    async def _evidence(self, state: State, journal: NodeJournal) -> str:
        """Return what the answer may rest on: cited passages and results that its node has seen."""
        texts = [item["quote"] for item in state.get("citations", ())]
        transcript = state.get("transcripts", {}).get(self.kind.reviews)
        if transcript:
            results = await results_seen(transcript, journal)
            texts += [result.content for result in results if not result.is_error]
        return "\n\n".join(dict.fromkeys(texts))[:EVIDENCE_LIMIT]


def _why(review: Review, rounds: int, best: Mapping[str, Any]) -> str:
    """Say why an answer leaves."""
    if review.accepted is None:
        return f"{UNSURE}: {review.reason}".rstrip(": ")
    if review.accepted:
        return review.reason
    said = f"still not good after {rounds} rounds: {review.reason}"
    if best["number"] == rounds + 1 or best["score"] is None:
        return said
    return (
        f"version {best['number']} of {rounds + 1}, the best ({best['score']:.2f}), stands; {said}"
    )
