"""The specialist: one agent's whole loop as one LangGraph node.

It answers its task with its own tools. Asked again in the same thread, or sent back by a critic, it
goes on with the same conversation. The coordinator is a specialist who also delegates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bottega.citations import evidence_in
from bottega.conversation import opening
from bottega.errors import StorageError, StuckError
from bottega.events import MessageSent, NodeEnded, NodeStarted
from bottega.history import OPENING, opening_entry
from bottega.labels import doubted
from bottega.loop import Loop
from bottega.messages import Citation, Message, citation_to_json, message_from_json, user
from bottega.node import AgentParts
from bottega.reminding import reminders
from bottega.rounds import STOPPED
from bottega.run import RunContext
from bottega_agents.communication.desk import Desk
from bottega_agents.communication.handoff import (
    HandOff,
    StaysHere,
    handed_over,
    handoff_in,
    results_of,
    stays,
)
from bottega_agents.communication.mail import as_messages, cited_in, mail_for, with_mail
from bottega_agents.communication.talk import NONE, Talk, Talking
from bottega_agents.graph.state import State
from bottega_agents.graph.surroundings import journal_of, leave, run_of
from bottega_agents.roles.transcript import Transcript, keep, load
from bottega_agents.roles.versions import whole_version
from bottega_agents.roles.waiting import Waiting
from bottega_agents.storage.journal import NodeJournal

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

ROLE = "You are {name}, a specialist in a team.{description} Do the task you are given, no more."
SO_FAR = "{task}\n\nSo far {author} has this:\n{answer}"
REMARK = "{task}\n\nA reviewer says about that:\n{feedback}"
REVISE = (
    "Your answer was reviewed and sent back. The reviewer says:\n{feedback}\n"
    "Answer the task again, better."
)


@dataclass(frozen=True, kw_only=True)
class Specialist(Talking):
    """The kind `specialist`."""

    delegates: Sequence[str] = ()

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the LangGraph node."""
        return SpecialistNode(parts, role="specialist", talk=self.talk).run


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One visit of a node: what it works on, and what is written down about it."""

    loop: Loop
    journal: NodeJournal
    desk: Desk
    """What it says to others."""
    before: Transcript | None
    """The conversation that it goes on with."""


class SpecialistNode:
    """A specialist at work."""

    prompt = ROLE

    def __init__(self, parts: AgentParts, role: str, talk: Talk = NONE) -> None:
        self.parts = parts
        self.role = role
        self._talk = talk.tools(parts)

    async def run(self, state: State, config: RunnableConfig) -> Any:
        """Work on the state's task. Returns an update of the state."""
        run = run_of(config, self.parts.limits)
        if not self._goes_on(state):
            run.tell(NodeStarted, self.parts.name, role=self.role, task=state.get("task", ""))
        waiting = Waiting()
        try:
            while True:
                visit = await self.visit(state, config, run)
                await self._work(visit.loop, run, visit.desk)
                questions = visit.loop.outcome.questions
                if not questions:
                    return self.left(state, visit)
                await waiting.on(questions, visit.journal, run)
                run.meter.rewind()  # the loop begins again, with everything replayed
        finally:
            await leave(run, config)

    async def _work(self, loop: Loop, run: RunContext, desk: Desk | None = None) -> None:
        talks = desk if desk and desk.tools else None
        async with aclosing(loop.events()) as events:
            async for event in events:
                run.emit(event)
                for to, text in talks.note(event) if talks else ():
                    run.emit(loop.event(MessageSent, to=to, text=text))
        outcome = loop.outcome
        if isinstance(outcome.error, StorageError):
            raise outcome.error  # the house is broken, not this one agent: the run ends
        if not outcome.handed_on and not outcome.questions:
            run.tell(NodeEnded, self.parts.name, status=outcome.status, reason=outcome.reason)

    async def visit(
        self,
        state: State,
        config: RunnableConfig,
        run: RunContext,
        journal: NodeJournal | None = None,
    ) -> Visit:
        """Take up this node's conversation; what is new in it is in the journal then.

        `journal` is that of the visit, where it is open already.
        """
        caller, call_id = state.get("caller", ""), state.get("call_id", "")
        path = f"{caller}/{call_id}/{self.parts.name}" if caller else self.parts.name
        path = f"{run.within}{path}"
        journal = journal or await journal_of(config)
        transcript = await self._transcript(state, journal, run, path)
        earlier = list(transcript.messages) if transcript else []
        same_run = transcript is not None and transcript.run == run.run_id
        step = transcript.step if transcript and same_run else 0
        mail = mail_for(self.parts.name, state.get("mail", {}))
        told = as_messages(mail.values(), run.run_id)
        fresh = _opened(journal)
        if fresh is None:
            known = [] if same_run else await reminders(self.parts.memory, state.get("task", ""))
            asked = doubted(self.fresh(state, transcript), *_wishes(state, run))
            fresh = with_mail(asked, [*known, *told])
        if journal.keeps and OPENING not in journal.entries:
            before = transcript.ref if transcript else None
            dialect = self.parts.dialect.name
            opening = opening_entry(fresh, step, before, path=path, dialect=dialect)
            await journal.write(OPENING, opening)
        desk = self._desk(state, f"{run.run_id}/{path}", run)
        loop = Loop(
            parts=with_tools(self.parts, *desk.tools) if desk.tools else self.parts,
            run=run,
            messages=[*earlier, *fresh],
            journal=journal,
            path=path,
            step=step,
            began=len(earlier),
            task=state.get("task", ""),
            evidence={**_evidence(state), **cited_in(mail.values())},
            left_out=transcript.evidence if transcript else {},
        )
        return Visit(loop=loop, journal=journal, desk=desk, before=transcript)

    def _desk(self, state: State, place: str, run: RunContext) -> Desk:
        name = self.parts.name
        why, most = stays(state, name), None if run.meter.repeats is None else STOPPED
        kept = (
            StaysHere(tool, name, why, most) if why and isinstance(tool, HandOff) else tool
            for tool in self._talk
        )
        return Desk(name, place, state, tuple(kept))

    def fresh(self, state: State, transcript: Transcript | None) -> list[Message]:
        """Return what this visit adds to the conversation before the model is asked."""
        task = state.get("task", "")
        answer, author = state.get("answer", ""), state.get("author", "")
        if answer and author not in ("", self.parts.name):
            task = SO_FAR.format(task=task, author=author, answer=answer)
        feedback = state.get("feedback", {}).get(self.parts.name)
        if transcript is None:
            task = REMARK.format(task=task, feedback=feedback) if feedback else task
            return opening(self.parts, task, role=self.told())
        asked = user(REVISE.format(feedback=feedback) if feedback else task)
        if not transcript.handed_on:
            return [asked]
        results = [*transcript.results, *results_of(transcript.handed_on)]
        return [self.parts.dialect.observed(results), asked]

    def told(self) -> str:
        """Return what the kind says to the model about itself."""
        description = f" {self.parts.description.rstrip('.')}." if self.parts.description else ""
        return self.prompt.format(name=self.parts.name, description=description)

    def left(self, state: State, visit: Visit) -> Any:
        """Return what the node leaves in the state."""
        update, call = self.update(state, visit), handoff_in(visit.loop)
        return handed_over(state, visit.loop, call, update) if call else update

    def update(self, state: State, visit: Visit) -> dict[str, Any]:
        """Return the answer, the conversation and what they cost, as an update of the state."""
        loop, name = visit.loop, self.parts.name
        outcome, answer = loop.outcome, loop.outcome.answer
        update: dict[str, Any] = {
            "status": outcome.status,
            "reason": outcome.reason,
            "feedback": {name: ""},
            **self._read_and_said(state, visit),
            "spent": loop.run.meter.spent,  # for a graph built by hand; in a team see `leases`
            "stuck": outcome.reason if isinstance(outcome.error, StuckError) else "",
        }
        if not state.get("caller"):
            transcript = Transcript.of(loop, visit.journal.ref)
            keep(transcript, visit.before, loop.run)
            left = {"left": True} if handoff_in(loop) else {}
            update["transcripts"] = {name: {**transcript.to_state(), **left}}
        whole = whole_version(state, name) if outcome.status != "done" else {}
        if whole:  # a revision that was cut short is no better than what it revises
            update |= {**whole, "partial": True}
        elif answer is not None:
            update["answer"] = answer.text
            update["author"] = name
            update["citations"] = [citation_to_json(item) for item in answer.citations]
            update["abstained"] = answer.abstained
            update["partial"] = answer.partial
        return update

    def _read_and_said(self, state: State, visit: Visit) -> dict[str, Any]:
        """Return an update with what the visit has said, and without what it has read."""
        name, loop = self.parts.name, visit.loop
        said = visit.desk.update({**loop.evidence, **evidence_in(loop.messages)})
        mail = {**dict.fromkeys(mail_for(name, state.get("mail", {}))), **said.pop("mail", {})}
        taken = {name: None} if name in state.get("handovers", {}) else {}
        update = {"mail": mail, "handovers": taken, **said}
        return {key: value for key, value in update.items() if value}

    def _goes_on(self, state: State) -> bool:
        """Say whether this visit goes on with work of an earlier one in the same run."""
        data = state.get("transcripts", {}).get(self.parts.name)
        if not data or data.get("left"):
            return False
        return bool(data["waits"] and data["run"] == state.get("run"))

    async def _transcript(
        self, state: State, journal: NodeJournal, run: RunContext, path: str
    ) -> Transcript | None:
        if state.get("caller"):
            return None  # each delegated task is a conversation of its own
        data = state.get("transcripts", {}).get(self.parts.name)
        return await load(data, journal, self.parts.dialect, run, path) if data else None


def _wishes(state: State, run: RunContext) -> Sequence[str]:
    """Return what of a task may be taken as the person's wish, whoever hands it on."""
    own = state.get("vouched", False) if state.get("caller") else not run.task
    return (state.get("task", ""), run.task) if own else (run.task,)


def _opened(journal: NodeJournal) -> list[Message] | None:
    """Return what this visit was opened with before a crash; None where it is new."""
    opened = journal.entries.get(OPENING) if journal.keeps else None
    return [message_from_json(one) for one in opened["messages"]] if opened else None


def stale(state: State, transcript: Transcript) -> bool:
    """Say whether a conversation was left by an earlier run of the thread."""
    return bool(state.get("run")) and transcript.run != state.get("run")


def _evidence(state: State) -> dict[str, Citation]:
    """Return the passages behind what another node has answered."""
    return {item["key"]: Citation(**item) for item in state.get("citations", ())}


def with_tools(parts: AgentParts, *tools: Any) -> AgentParts:
    """Return the parts with more tools."""
    return replace(parts, tools=(*parts.tools, *tools))
