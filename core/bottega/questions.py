"""What a run asks of a person, and what the person says.

A question has a name that is the same after a restart, so that the run may wait on disk, the
process may die, and another one may bring the ruling. In front of a terminal the same question is
asked at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from bottega.errors import BottegaError, InputError
from bottega.messages import Json

QuestionKind = Literal["approve", "answer", "plan"]
"""May this call be made? What is the answer? Is this the plan?"""
Verdict = Literal["approve", "edit", "reject", "answer"]

FITTING: Mapping[QuestionKind, tuple[Verdict, ...]] = {
    "approve": ("approve", "edit", "reject"),
    "answer": ("answer", "reject"),
    "plan": ("approve", "edit", "reject"),
}
"""What may be said to each kind of question."""
_WANTED: Mapping[Any, str] = {dict: "a JSON object", str: "text in JSON's quotes"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Something that only a person may decide."""

    id: str
    """Names it within the run: where it is asked, the same in every process that takes it up."""
    kind: QuestionKind = "answer"
    text: str = ""
    node: str = ""
    """Who asks; in a graph within the graph with the names of both: `team/finder`."""
    tool: str = ""
    """The tool to be called, for `approve`."""
    value: Json = None
    """What an edit would change: the call's arguments, the plan, the answer so far."""
    options: tuple[str, ...] = ()
    """Words, one of which an answer begins with; for `approve` the first is yes, the other no."""

    @property
    def seal(self) -> str:
        """A hash of what a ruling decides on; empty for a question that only wants to know.

        Where there is a value the text does not count: it says the same in words.
        """
        if self.kind == "answer" and not self.options:
            return ""
        text = self.text if self.value is None else ""
        decided = json.dumps([self.kind, self.tool, self.value, self.options, text], sort_keys=True)
        return hashlib.sha256(decided.encode()).hexdigest()

    def to_json(self) -> dict[str, Json]:
        """Return the question as a JSON object."""
        data = {name: getattr(self, name) for name in self.__slots__}
        return {**data, "options": list(self.options)}

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> Question:
        """Read what `to_json` wrote."""
        fields: dict[str, Any] = {**data, "options": tuple(data.get("options", ()))}
        return Question(**fields)

    def option_in(self, text: str) -> tuple[str, str] | None:
        """Return the option that a text begins with and what follows; None when it does not."""
        for option in sorted(self.options, key=len, reverse=True):
            rest = text.strip()[len(option) :]
            begins = text.strip().casefold().startswith(option.casefold())
            if begins and not rest[:1].isalnum() and rest[:1] not in ("_", "-"):
                return option, rest.strip(" \t\n.,:;")
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What a person said to a question."""

    verdict: Verdict
    text: str = ""
    """The answer, or why not."""
    value: Json = None
    """The edited arguments or plan, with `edit`."""
    seal: str = ""
    """The seal of the question that was shown; empty until the ruling is checked against one."""

    def check(self, question: Question) -> Ruling:
        """Return the ruling, bound to the question: it decides on nothing else that has its id.

        Raises InputError when it does not fit the question.
        """
        if not self.binds(question):
            raise InputError(f"question {question.id!r} is not the one that was shown")
        fitting = FITTING[question.kind]
        if self.verdict not in fitting:
            raise InputError(
                f"question {question.id!r} cannot be ruled with {self.verdict!r}",
                hint=f"it takes: {', '.join(fitting)}",
            )
        if self.verdict == "edit" and type(self.value) is not type(question.value):
            wanted = _WANTED.get(type(question.value), "a JSON list")
            raise InputError(f"the edit of question {question.id!r} must be {wanted}")
        if self.verdict == "answer" and question.options and not question.option_in(self.text):
            words = ", ".join(question.options)
            raise InputError(
                f"{self.text.strip()[:80]!r} does not answer question {question.id!r}",
                hint=f"begin with one of: {words}",
            )
        return replace(self, seal=question.seal)

    def binds(self, question: Question) -> bool:
        """Say whether the ruling is on this question, as far as it is bound to any."""
        return self.seal in ("", question.seal)

    def to_json(self) -> dict[str, Json]:
        """Return the ruling as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> Ruling:
        """Read what `to_json` wrote."""
        return Ruling(**data)


def ruling_by_option(text: str, question: Question) -> Ruling | None:
    """Read a reply that begins with one of the question's options; None when it does not."""
    found = question.option_in(text)
    if found is None:
        return None
    option, rest = found
    if question.kind != "approve":
        return Ruling(verdict="answer", text=f"{option} {rest}".strip()).check(question)
    if option == question.options[0]:
        return Ruling(verdict="approve").check(question)
    return Ruling(verdict="reject", text=rest).check(question)


class Minutes(Protocol):
    """Where questions are written down before somebody is asked, and what was said to them."""

    async def asked(self, question: Question) -> None:
        """Write the question down: it is on disk when this returns."""
        ...

    async def ruled(self, question: Question, ruling: Ruling) -> Ruling:
        """Write the ruling down; return it, or the one that somebody else has given before."""
        ...


@dataclass(slots=True)
class Rulings:
    """What is known of a run's rulings; grows as the person speaks."""

    known: dict[str, Ruling] = field(default_factory=dict[str, Ruling])
    """By the question's id."""
    waits: bool = False
    """Whether a question that nobody is there to answer may wait: only where the run is kept."""
    minutes: Minutes | None = None
    """Keeps what is asked in front of the run; None where the run is not kept."""


class PersonNeeded(BottegaError):
    """The run cannot go on before a person has ruled."""

    exit_code = 3

    def __init__(self, question: Question) -> None:
        super().__init__(f"{question.node or 'the run'} waits for a person: {question.text}")
        self.question = question
