"""The person behind a run, as one call of a tool sees them.

What was ruled before is known; somebody in front of the run is asked at once; otherwise the run
waits, where it is kept, or the call is told that nobody is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bottega.errors import InputError, ToolError
from bottega.journal import Journal
from bottega.messages import Json
from bottega.questions import PersonNeeded, Question, QuestionKind, Ruling

if TYPE_CHECKING:
    from bottega.run import Ask, RunContext

NOBODY = "nobody is there to answer"
WITHOUT = "go on without, or say what is missing"
HOW_TO_APPROVE = "(yes, no and why, or what it should be as a JSON object)"
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
    _asked: int = field(default=0, init=False)

    async def answer(self, text: str) -> str:
        """Return the answer to a question. Raises ToolError when nobody will give one."""
        ruling = await self._ruled(self._question("answer", text))
        if ruling.verdict == "reject":
            raise ToolError(f"the person does not answer: {ruling.text}".rstrip(": "))
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

    def _question(
        self, kind: QuestionKind, text: str, *, tool: str = "", value: Json = None
    ) -> Question:
        self._asked += 1
        name = self.place if self._asked == 1 else f"{self.place}#{self._asked}"
        return Question(id=name, kind=kind, text=text, node=self.node, tool=tool, value=value)

    async def _ruled(self, question: Question) -> Ruling:
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
                return await _live(self.run.ask, question)
            except ToolError as error:
                nobody = error
        if self.run.rulings.waits:
            raise PersonNeeded(question)
        raise nobody


async def _live(ask: Ask, question: Question) -> Ruling:
    """Ask; for an approval, until the reply can be read."""
    if question.kind == "answer":
        return Ruling(verdict="answer", text=await ask(question.text))
    text = f"{question.text} {HOW_TO_APPROVE}"
    while True:
        reply = await ask(text)
        try:
            return read_ruling(reply, question)
        except InputError as error:
            text = f"{error.message}. {question.text} {HOW_TO_APPROVE}"


def read_ruling(reply: str, question: Question) -> Ruling:
    """Read what a person typed to an approval. Raises InputError."""
    word, _, rest = reply.strip().partition(" ")
    if word.lower().strip(",.:;") in _YES and not rest:
        return Ruling(verdict="approve")
    if word.lower().strip(",.:;") in _NO:
        return Ruling(verdict="reject", text=rest.strip())
    try:
        value = json.loads(reply)
    except ValueError:
        raise InputError(f"{reply.strip()[:80]!r} is neither yes, no nor JSON") from None
    return Ruling(verdict="edit", value=value).check(question)
