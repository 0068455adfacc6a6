"""The specialist: one agent's whole loop as one LangGraph node.

It answers its task with its own tools. Asked again in the same thread, or sent back by a critic, it
goes on with the same conversation. The coordinator is a specialist who also delegates.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bottega.conversation import opening
from bottega.errors import StorageError
from bottega.events import NodeEnded, NodeStarted
from bottega.loop import Loop
from bottega.messages import Message, citation_to_json, user
from bottega.node import AgentParts
from bottega.run import RunContext
from bottega_agents.state import State
from bottega_agents.surroundings import journal_of, run_of
from bottega_agents.transcript import Transcript

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

ROLE = "You are {name}, a specialist in a team.{description} Do the task you are given, no more."
REVISE = (
    "Your answer was reviewed and sent back. The reviewer says:\n{feedback}\n"
    "Answer the task again, better."
)


@dataclass(frozen=True, kw_only=True)
class Specialist:
    """The kind `specialist`."""

    delegates: Sequence[str] = ()
    refers: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    bound: int | None = None

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the LangGraph node."""
        return SpecialistNode(parts, role="specialist").run


class SpecialistNode:
    """A specialist at work."""

    prompt = ROLE

    def __init__(self, parts: AgentParts, role: str) -> None:
        self.parts = parts
        self.role = role

    async def run(self, state: State, config: RunnableConfig) -> Any:
        """Work on the state's task. Returns an update of the state."""
        run = run_of(config)
        before = (run.meter.steps, run.meter.usage)
        loop = await self.loop(state, config, run)
        run.emit(self._event(NodeStarted, run, role=self.role, task=state.get("task", "")))
        async with aclosing(loop.events()) as events:
            async for event in events:
                run.emit(event)
        outcome = loop.outcome
        if isinstance(outcome.error, StorageError):
            raise outcome.error  # the house is broken, not this one agent: the run ends
        if not outcome.handed_on:
            ended = self._event(NodeEnded, run, status=outcome.status, reason=outcome.reason)
            run.emit(ended)
        return self.left(state, loop, before)

    async def loop(self, state: State, config: RunnableConfig, run: RunContext) -> Loop:
        """Make the loop that goes on where this node's conversation is."""
        path = "/".join(part for part in (state.get("call_id"), self.parts.name) if part)
        transcript = self._transcript(state)
        messages = self.messages(state, transcript)
        step = transcript.step if transcript and transcript.run == run.run_id else 0
        journal = await journal_of(config)
        return Loop(
            parts=self.parts, run=run, messages=messages, journal=journal, path=path, step=step
        )

    def messages(self, state: State, transcript: Transcript | None) -> list[Message]:
        """Return the conversation that the loop starts from."""
        task = state.get("task", "")
        if transcript is None:
            return opening(self.parts, task, role=self.told())
        feedback = state.get("feedback", {}).get(self.parts.name)
        more = REVISE.format(feedback=feedback) if feedback else task
        return [*transcript.messages, user(more)]

    def told(self) -> str:
        """Return what the kind says to the model about itself."""
        description = f" {self.parts.description.rstrip('.')}." if self.parts.description else ""
        return self.prompt.format(name=self.parts.name, description=description)

    def left(self, state: State, loop: Loop, before: tuple[int, Any]) -> Any:
        """Return what the node leaves in the state."""
        return self.update(state, loop, before)

    def update(self, state: State, loop: Loop, before: tuple[int, Any]) -> dict[str, Any]:
        """Return the answer, the conversation and what they cost, as an update of the state."""
        name, outcome, answer = self.parts.name, loop.outcome, loop.outcome.answer
        update: dict[str, Any] = {
            "status": outcome.status,
            "reason": outcome.reason,
            "feedback": {name: ""},
            "spent": spent_since(loop.run, before),
        }
        if not state.get("caller"):
            update["transcripts"] = {name: Transcript.of(loop).to_json()}
        if answer is not None:
            update["answer"] = answer.text
            update["citations"] = [citation_to_json(item) for item in answer.citations]
            update["abstained"] = answer.abstained
            update["partial"] = answer.partial
        return update

    def _transcript(self, state: State) -> Transcript | None:
        if state.get("caller"):
            return None  # each delegated task is a conversation of its own
        data = state.get("transcripts", {}).get(self.parts.name)
        return Transcript.from_json(data) if data else None

    def _event(self, kind: Any, run: RunContext, **fields: Any) -> Any:
        return kind(run_id=run.run_id, node=self.parts.name, time=time.time(), **fields)


def spent_since(run: RunContext, before: tuple[int, Any]) -> dict[str, float]:
    """Return the steps and tokens used since, as far as they are known."""
    steps, usage = before
    now = run.meter.usage
    return {
        "steps": run.meter.steps - steps,
        "input_tokens": (now.input_tokens or 0) - (usage.input_tokens or 0),
        "output_tokens": (now.output_tokens or 0) - (usage.output_tokens or 0),
    }


def with_tools(parts: AgentParts, *tools: Any) -> AgentParts:
    """Return the parts with more tools."""
    return replace(parts, tools=(*parts.tools, *tools))
