"""Stopping a node until a person has ruled: LangGraph's interrupt, with our questions in it.

The node is run again with the rulings; its journal sees to it that nothing else is. In Bottega's
engine the rulings come from the register of runs. In anybody else's graph they come as
`Command(resume={question_id: {"verdict": "approve"}})`, or as a bare value where there was one
question: text for an answer, `True` or `False` for an approval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from bottega.errors import InputError
from bottega.questions import Question, Ruling, ruling_by_option
from bottega.run import RunContext
from bottega_agents.storage.journal import NodeJournal

_KEY = "interrupted/"


class Waiting:
    """The interrupts of one execution of a node: LangGraph gives their values back in order."""

    def __init__(self) -> None:
        self._calls = 0

    async def on(
        self, questions: Sequence[Question], journal: NodeJournal, run: RunContext
    ) -> None:
        """Return when the rulings are there; LangGraph ends the node before where they are not."""
        from langgraph.types import interrupt

        taken = sum(key.startswith(_KEY) for key in journal.entries)
        while self._calls < taken:  # values that an earlier execution has taken already
            interrupt(None)
            self._calls += 1
        value = interrupt([question.to_json() for question in questions])
        self._calls += 1
        run.rulings.known.update(rulings_in(value, questions))
        await journal.write(f"{_KEY}{self._calls}", None)


def rulings_in(value: Any, questions: Sequence[Question]) -> dict[str, Ruling]:
    """Read what a graph was resumed with. Raises InputError when it rules on nothing asked."""
    asked = {question.id: question for question in questions}
    if isinstance(value, Mapping) and asked.keys() & cast("Mapping[str, Any]", value).keys():
        given = cast("Mapping[str, Any]", value)
        return {name: _ruling(given[name], asked[name]) for name in asked if name in given}
    if len(questions) == 1:
        return {questions[0].id: _ruling(value, questions[0])}
    raise InputError(
        f"{len(questions)} questions wait, and the ruling names none of them",
        hint=f"resume with a mapping by id: {', '.join(asked)}",
    )


def _ruling(value: Any, question: Question) -> Ruling:
    if isinstance(value, Mapping) and "verdict" in value:
        return Ruling.from_json(cast("Mapping[str, Any]", value)).check(question)
    if isinstance(value, bool):
        return Ruling(verdict="approve" if value else "reject").check(question)
    named = ruling_by_option(value, question) if isinstance(value, str) else None
    if named is not None:
        return named
    if isinstance(value, str) and question.kind == "answer":
        return Ruling(verdict="answer", text=value).check(question)
    if isinstance(value, type(question.value)):
        return Ruling(verdict="edit", value=value).check(question)
    raise InputError(f"{value!r} is no ruling on question {question.id!r}")
