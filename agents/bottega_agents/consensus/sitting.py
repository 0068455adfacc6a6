"""One visit of a panel: what was asked and answered so far, the decider, the way out for events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bottega.events import Decision, Event
from bottega.run import RunContext
from bottega_agents.communication.mail import mail_for
from bottega_agents.consensus.opinion import Ask, Opinion
from bottega_agents.graph.state import State
from bottega_agents.roles.coordinator import report_key
from bottega_agents.roles.decisions import Decisions
from bottega_agents.roles.specialist import REVISE, SO_FAR

SHOWN = 200
"""Characters of an answer in an event about it."""


class Sitting:
    """What a kind of panel decides on."""

    def __init__(self, name: str, state: State, run: RunContext, decisions: Decisions) -> None:
        self.name = name
        self.run = run
        self.decisions = decisions
        self._state = state
        known: Mapping[str, Any] = state.get("panels", {}).get(name) or {}
        self._turn: int = known.get("turn", 0)
        self._reports = state.get("reports", {})
        asked: Sequence[Sequence[str]] = known.get("asked", ())
        same_run = known.get("run") == state.get("run", "")
        self.goes_on = same_run and any(self._key(call) in self._reports for _, call in asked)
        """Whether there are answers to what was asked in this run."""
        self.rounds: list[list[Opinion]] = []
        """The answers, round by round."""
        self.mail = mail_for(name, state.get("mail", {}))
        """What others have written to the panel since it asked: its members are to read it."""
        letters: Sequence[Mapping[str, Any]] = list(self.mail.values())
        self._quotes = [(one["about"], one["text"]) for one in letters]
        self._cited = [citation for one in letters for citation in one["citations"]]
        if self.goes_on:
            self._quotes = [*((about, text) for about, text in known["quotes"]), *self._quotes]
            self._cited = [*known["cited"], *self._cited]
            earlier: Sequence[Sequence[Mapping[str, Any]]] = known["rounds"]
            self.rounds = [[Opinion(**item) for item in opinions] for opinions in earlier]
            reports = [(member, self._reports.get(self._key(call))) for member, call in asked]
            self.rounds.append([Opinion.of(member, report) for member, report in reports])

    @property
    def question(self) -> str:
        """The task alone."""
        return self._state.get("task", "")

    @property
    def task(self) -> str:
        """The task as members see it: with what there is so far, and what a critic said of it."""
        task, answer = self.question, self._state.get("answer", "")
        author = self._state.get("author", "")
        feedback = self._state.get("feedback", {}).get(self.name)
        if answer and (feedback or author not in ("", self.name)):
            task = SO_FAR.format(task=task, author=author, answer=answer)
        return f"{task}\n\n{REVISE.format(feedback=feedback)}" if feedback else task

    @property
    def opinions(self) -> list[Opinion]:
        """The answers of the last round."""
        return self.rounds[-1] if self.rounds else []

    @property
    def standing(self) -> list[Opinion]:
        """Those of them that count."""
        return [opinion for opinion in self.opinions if opinion.counts]

    def ask(
        self,
        member: str,
        task: str = "",
        quotes: Sequence[tuple[str, str]] = (),
        citations: Sequence[Mapping[str, Any]] = (),
    ) -> Ask:
        """Put the task to a member, or another one."""
        known = [*self._state.get("citations", ()), *self._cited, *citations]
        shown = [*self._quotes, *quotes]
        return Ask(member=member, task=task or self.task, quotes=shown, citations=known)

    def decided(
        self, question: str, verdict: str, reason: str, probability: float | None = None
    ) -> None:
        """Tell of a decision."""
        told = {"verdict": verdict[:SHOWN], "reason": reason, "probability": probability}
        self.tell(Decision, question=question, **told)

    def tell(self, kind: type[Event], **fields: Any) -> None:
        """Emit an event of the panel."""
        self.run.tell(kind, self.name, **fields)

    def asking(self, asks: Sequence[Ask]) -> dict[str, Any]:
        """Return what the state keeps while the members are at work."""
        return {
            "run": self._state.get("run", ""),
            "turn": self._turn + 1,
            "rounds": [[opinion.to_json() for opinion in opinions] for opinions in self.rounds],
            "quotes": [list(quote) for quote in self._quotes],
            "cited": self._cited,
            "asked": [[ask.member, self.call_id(number)] for number, ask in enumerate(asks)],
        }

    def over(self) -> dict[str, Any]:
        """Return what the state keeps when the panel is through."""
        return {"turn": self._turn}

    def call_id(self, number: int) -> str:
        """Name the call of one ask: unlike any other of this panel in its thread."""
        return f"{self._turn + 1}.{number + 1}"

    def read(self) -> dict[str, None]:
        """Return an update that takes the reports away: they are read now, or stale."""
        return dict.fromkeys(key for key in self._reports if key.startswith(self._key("")))

    def _key(self, call: str) -> str:
        return report_key(self.name, call)
