"""The kind `human`: a node that asks a person.

With `options` the person takes one of them, which the node's edges carry as words, and may add why.
With two options of which the first is `approve` the answer so far can be approved, edited or sent
back. Without options what the person says is the answer. A run that is kept waits on disk until
somebody has ruled; in front of a terminal the person is asked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bottega.errors import ToolError
from bottega.events import Answer, Asked, Decision, NodeEnded, NodeStarted
from bottega.node import AgentParts
from bottega.person import Person
from bottega.questions import PersonNeeded, Question, Ruling
from bottega.run import RunContext
from bottega_agents.communication.mail import mail_for
from bottega_agents.flow.place import place_here
from bottega_agents.graph.routing import REMARK
from bottega_agents.graph.state import State
from bottega_agents.graph.surroundings import journal_of, run_of
from bottega_agents.roles.waiting import Waiting

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

APPROVE = "approve"
QUESTION = "What is the answer?"
CHOICE = "How shall it go on?"
SHOWN = 8_000
"""Characters of the answer so far that a question shows."""


@dataclass(frozen=True, kw_only=True)
class Human:
    """The kind `human`."""

    question: str = ""
    """What is asked; the task where nothing is said."""
    options: Sequence[str] = ()
    """Words to choose from; empty for free text."""
    delegates: Sequence[str] = ()
    refers: Sequence[str] = ()
    bound: int | None = None
    is_person: ClassVar[bool] = True
    """Where work goes that is stuck."""

    @property
    def outcomes(self) -> Sequence[str]:
        """The options."""
        return self.options

    @property
    def approves(self) -> bool:
        """Whether the answer so far is put to the person as it is, to be let through or not."""
        return len(self.options) == 2 and self.options[0] == APPROVE

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the LangGraph node."""
        return HumanNode(parts, self).run


class HumanNode:
    """A person, asked."""

    def __init__(self, parts: AgentParts, kind: Human) -> None:
        self.parts = parts
        self.kind = kind

    async def run(self, state: State, config: RunnableConfig) -> dict[str, Any]:
        """Ask. Returns an update with the person's word, or with the answer."""
        run = run_of(config)
        text = self._text(state)
        run.tell(NodeStarted, self.parts.name, role="human", task=text)
        try:
            ruling = await self._ruling(text, state, config, run)
        except ToolError as error:
            run.tell(NodeEnded, self.parts.name, status="failed", reason=error.message)
            return {"status": "failed", "reason": error.message}
        update = {"status": "done", "reason": "", **self._heard(ruling, run)}
        run.tell(NodeEnded, self.parts.name)
        return update

    async def _ruling(
        self, text: str, state: State, config: RunnableConfig, run: RunContext
    ) -> Ruling:
        """Return what the person says. Raises ToolError when nobody is there, or will answer."""
        journal, waiting = await journal_of(config), Waiting()
        while True:
            person = Person(run, journal, self.parts.name, place_here(), 0)
            try:
                if not self.kind.options:
                    return Ruling(verdict="answer", text=await person.answer(text))
                value = state.get("answer", "") if self.kind.approves else None
                return await person.choose(text, self.kind.options, value=value)
            except PersonNeeded as needed:
                question = needed.question
                run.tell(Asked, self.parts.name, question=question.to_json())
                await waiting.on([question], journal, run)

    def _heard(self, ruling: Ruling, run: RunContext) -> dict[str, Any]:
        """Return what a ruling comes to."""
        if not self.kind.options:
            return self._answered(ruling.text, run)
        word, remark = self._word(ruling)
        said = {"question": self.kind.question or CHOICE, "verdict": word, "reason": remark}
        run.tell(Decision, self.parts.name, **said)
        edited = self._answered(str(ruling.value), run) if ruling.verdict == "edit" else {}
        return {**edited, "verdict": word, REMARK: remark}

    def _word(self, ruling: Ruling) -> tuple[str, str]:
        """Return the option that was taken, and what the person adds."""
        options = tuple(self.kind.options)
        if ruling.verdict == "reject":
            return options[1], ruling.text
        taken = Question(id="", options=options).option_in(ruling.text)
        return taken or (options[0], "")

    def _answered(self, text: str, run: RunContext) -> dict[str, Any]:
        run.tell(Answer, self.parts.name, text=text)
        name = self.parts.name
        fields: dict[str, Any] = {"citations": [], "abstained": False, "partial": False}
        return {"answer": text, "author": name, **fields}

    def _text(self, state: State) -> str:
        """Return the question, with what the person must know to answer it."""
        kind, name = self.kind, self.parts.name
        asked = [kind.question or (CHOICE if kind.options else "")]
        if state.get("caller") or not asked[0]:
            asked.append(state.get("task", "") or QUESTION)
        letters = mail_for(name, state.get("mail", {})).values()
        asked += [f"{one['about']}:\n{one['text'][:SHOWN]}" for one in letters]
        answer, author = state.get("answer", ""), state.get("author", "")
        if answer and author:
            asked.append(f"{author} has this:\n{answer[:SHOWN]}")
        return "\n\n".join(text for text in asked if text)
