"""The policy: from a conversation and its tools to the next turn.

no results yet       -> call the tools that fit the task's parts
parts unanswered     -> look up once more with another query, a few times
otherwise            -> answer what was found, or say that the documents do not tell
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bottega.model import ToolSpec
from bottega_plugins.models.embedded import wording
from bottega_plugins.models.embedded.about import QUERY, is_about
from bottega_plugins.models.embedded.choosing import Choice, choose_calls, lookups
from bottega_plugins.models.embedded.evidence import Told, grounded, is_ignorant, tell
from bottega_plugins.models.embedded.filling import fill
from bottega_plugins.models.embedded.passages import is_report
from bottega_plugins.models.embedded.plan import Plan, PlannedCall
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.reading import Reading
from bottega_plugins.models.embedded.situation import Situation
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import COMMON, words

MOST_TURNS = 3
"""Turns with calls for one task: the first and at most two more look-ups."""
ABOUT_ME = (
    "I am an extractive model: I choose tools and answer with what I quote from their results; I "
    "cannot write freely, so ask me something that your documents or tools can tell."
)
NO_TOOL = "None of my tools fits this task"


@dataclass(frozen=True)
class _Case:
    """Everything that a turn is decided on."""

    question: Question
    situation: Situation
    tools: Sequence[ToolSpec]
    choices: Sequence[Choice]
    lookups: frozenset[str]


async def plan(situation: Situation, tools: Sequence[ToolSpec], vectors: Vectors) -> Plan:
    """Decide on the next turn."""
    if situation.is_greeting:
        return Plan("There is nothing to look up.", answer=ABOUT_ME, abstains=True)
    question = Question.read(situation.task)
    choices = await choose_calls(question, tools, vectors)
    case = _Case(question, situation, tools, choices, await lookups(tools, vectors))
    if not situation.observed:
        return _first(case)
    if situation.feedback and not situation.fresh:
        again = _again(case, Reading((), question.asks))
        if again:
            return again
    asks = {choice.tool: choice.asks for choice in choices}
    told = await tell(question, situation.observed, asks, case.lookups, vectors)
    again = _again(case, told.reading) if told.reading and told.reading.missing else None
    return again or _said(case, told)


def _first(case: _Case) -> Plan:
    if not case.choices:
        why = f"{NO_TOOL}: {wording.cut(case.question.text)}" if case.tools else "I have no tools"
        return Plan("No tool fits.", answer=f"{why}. {ABOUT_ME}", abstains=True)
    fits = ", ".join(f"{c.tool} ({min(c.score, 1.0):.2f})" for c in case.choices)
    parts = len(case.question.asks)
    thought = f"The task asks for {parts} thing{'s' if parts > 1 else ''}; what fits: {fits}."
    return Plan(thought, tuple(PlannedCall(c.tool, c.arguments) for c in case.choices))


def _again(case: _Case, reading: Reading) -> Plan | None:
    """Look up with a query that was not tried yet; None when there is none, or it is enough."""
    if case.situation.turns >= MOST_TURNS + bool(case.situation.feedback):
        return None
    last = [o for o in case.situation.observed if o.result.name in case.lookups and o.call]
    if not last or is_report(last[-1].result):
        return None
    spec = next((s for s in case.tools if s.name == last[-1].result.name), None)
    tried = [o.call.arguments for o in last if o.call]
    for query in _queries(case.question, reading) if spec else ():
        arguments = fill(spec.parameters, query) if spec else None
        if arguments is not None and arguments not in tried:
            thought = "What was found does not answer everything; I search with other words."
            return Plan(thought, (PlannedCall(last[-1].result.name, arguments),))
    return None


def _queries(question: Question, reading: Reading) -> Iterator[str]:
    """Yield other ways to ask, the most promising first."""
    if reading.nearest is not None and not question.quoted:
        title = reading.nearest.passage.heading.split(" > ")[0].replace('"', "")
        if title:
            missing = " ".join(_keywords(" ".join(a.bare for a in reading.missing)))
            yield f'"{title}" {QUERY if any(map(is_about, reading.missing)) else missing}'
    yield from (f'"{quoted}"' for quoted in question.quoted)
    yield " ".join(_keywords(question.text))


def _keywords(text: str) -> list[str]:
    return [word for word in words(text) if word not in COMMON]


def _said(case: _Case, told: Told) -> Plan:
    """Put into words what could be told."""
    results = [item.result for item in case.situation.observed]
    texts = list(told.texts)
    if case.situation.feedback:
        texts = [text for text in (grounded(text, results) for text in texts) if text]
    known = [text for text in texts if not is_ignorant(text)]
    if texts:
        sure = f" (probability {told.probability:.2f})" if told.probability else ""
        thought = f"I answer from what was found{sure}." if known else "Nothing answers the task."
        return Plan(thought, answer=" ".join(texts), abstains=not known)
    if told.errors and told.reading is None:
        why = wording.cut(told.errors[-1])
        return Plan("The call failed.", answer=f"I could not find out: {why}", abstains=True)
    text = wording.abstention(case.question.text, told.reading or Reading(()))
    return Plan("Nothing that was found answers the task.", answer=text, abstains=True)
