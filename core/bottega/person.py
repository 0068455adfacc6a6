"""The person behind a run, as one call of a tool sees them.

What was ruled before is known; somebody in front of the run is asked at once; otherwise the run
waits, where it is kept, or the call is told that nobody is there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bottega.confinement import free
from bottega.errors import InputError, ToolError
from bottega.journal import Journal
from bottega.messages import Json
from bottega.questions import PersonNeeded, Question, QuestionKind, Ruling, ruling_by_option

if TYPE_CHECKING:
    from bottega.run import Ask, RunContext

NOBODY = "nobody is there to answer"
WITHOUT = "go on without, or say what is missing"
CHANGED = "This is not what a person ruled on before."
HOW_TO_APPROVE = "(yes, no and why, or what it should be as {what})"
_YES = {"y", "yes", "ok", "approve"}
_NO = {"n", "no", "reject"}


@dataclass(slots=True)
class Person:
    """Asks on behalf of one call; `place` names the call within the run."""

    run: RunContext
    journal: Journal
    node: str
    place: str
    step: int
    heard: list[tuple[Question, Ruling]] = field(default_factory=list, init=False)  # pyright: ignore[reportUnknownVariableType]
    """What was said in this call, and to which question: for the audit log."""
    _asked: int = field(default=0, init=False)

    async def answer(self, text: str) -> str:
        """Return the answer to a question. Raises ToolError when nobody will give one."""
        ruling = await self._ruled(self._question("answer", text))
        if ruling.verdict == "reject":
            raise _no_answer(ruling)
        return ruling.text

    async def approve(self, text: str, *, tool: str = "", value: Json = None) -> Ruling:
        """Return what a person says to a call that is about to be carried out.

        Where nobody can be asked the ruling is `reject`: silence is no approval.
        """
        question = self._question("approve", text, tool=tool, value=value)
        try:
            return await self._ruled(question)
        except ToolError as error:
            return Ruling(verdict="reject", text=error.message)

    async def plan(self, text: str, value: Json) -> Ruling:
        """Return what a person says to a plan. Raises ToolError when nobody will say anything."""
        return await self._ruled(self._question("plan", text, value=value))

    async def choose(self, text: str, options: Sequence[str], *, value: Json = None) -> Ruling:
        """Return which of the options a person takes, and what the person adds.

        With a `value` the first two options are yes and no to it, and it may be edited. Raises
        ToolError when nobody will answer.
        """
        kind: QuestionKind = "answer" if value is None else "approve"
        question = self._question(kind, text, value=value)
        ruling = await self._ruled(replace(question, options=tuple(options)))
        if kind == "answer" and ruling.verdict == "reject":
            raise _no_answer(ruling)
        return ruling

    def _question(
        self, kind: QuestionKind, text: str, *, tool: str = "", value: Json = None
    ) -> Question:
        name, node = self._next_id(), f"{self.run.graphs}{self.node}"
        return Question(id=name, kind=kind, text=text, node=node, tool=tool, value=value)

    def _next_id(self) -> str:
        self._asked += 1
        return self.place if self._asked == 1 else f"{self.place}#{self._asked}"

    async def _ruled(self, question: Question) -> Ruling:
        """Return the ruling on just this: what was said of something else is asked anew."""
        with free():
            while True:
                ruling = await self._said(question)
                if ruling.binds(question):
                    self.heard.append((question, ruling))
                    return ruling
                text = f"{CHANGED} {question.text.removeprefix(CHANGED).lstrip()}"
                question = replace(question, id=self._next_id(), text=text)

    async def _said(self, question: Question) -> Ruling:
        """Return what was said to the question of this id, whatever it was then."""
        key = f"{self.step}/ruled/{question.id}"
        known = self.run.rulings.known.get(question.id)
        recorded = self.journal.entries.get(key)
        if recorded is not None:
            return Ruling.from_json(recorded)
        if known is None:
            known = await self._ask(question)
        await self.journal.write(key, known.to_json())
        return known

    async def _ask(self, question: Question) -> Ruling:
        """Ask whoever is in front of the run; a question that nobody answers waits if it can."""
        nobody = ToolError(NOBODY, hint=WITHOUT)
        if self.run.ask is not None:
            try:
                with self.run.meter.clock.stopped():
                    return await self._at_once(self.run.ask, question)
            except ToolError as error:
                nobody = error
        if self.run.rulings.waits:
            raise PersonNeeded(question)
        raise nobody

    async def _at_once(self, ask: Ask, question: Question) -> Ruling:
        """Ask somebody in front of the run.

        The question is on disk before: the process may die while they think, or somebody else rule.
        """
        minutes = self.run.rulings.minutes
        if minutes is None:
            return await _live(ask, question)
        await minutes.asked(question)
        return await minutes.ruled(question, await _live(ask, question))


def _no_answer(ruling: Ruling) -> ToolError:
    return ToolError(f"the person does not answer: {ruling.text}".rstrip(": "))


async def _live(ask: Ask, question: Question) -> Ruling:
    """Ask; for an approval, or where only some words will do, until the reply can be read."""
    who = f"{question.node} asks: " if "/" in question.node else ""
    if question.kind == "answer" and not question.options:
        return Ruling(verdict="answer", text=await ask(f"{who}{question.text}"))
    how = f"({' / '.join(question.options)}, and why)"
    if question.kind != "answer":
        what = "text in JSON's quotes" if isinstance(question.value, str) else "a JSON object"
        how = HOW_TO_APPROVE.format(what=what)
    asked = f"{question.text} [{question.id}]" if question.tool else question.text
    text = f"{who}{asked} {how}"
    while True:
        reply = await ask(text)
        try:
            return ruling_by_option(reply, question) or read_ruling(reply, question)
        except InputError as error:
            text = f"{error.message}. {who}{asked} {how}"


def read_ruling(reply: str, question: Question) -> Ruling:
    """Read what a person typed. Raises InputError."""
    if question.kind == "answer":
        return Ruling(verdict="answer", text=reply).check(question)
    word, _, rest = reply.strip().partition(" ")
    if word.lower().strip(",.:;") in _YES and not rest:
        return Ruling(verdict="approve").check(question)
    if word.lower().strip(",.:;") in _NO:
        return Ruling(verdict="reject", text=rest.strip()).check(question)
    try:
        value = json.loads(reply)
    except ValueError:
        raise InputError(f"{reply.strip()[:80]!r} is neither yes, no nor JSON") from None
    return Ruling(verdict="edit", value=value).check(question)
