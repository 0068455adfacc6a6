"""A plan without a model that writes: the goal cut at its questions and conjunctions.

Each part goes to the member of the team whose description is nearest to it, which the decider says.
A part that speaks of what came before it (`its`, `that`, `the result`) waits for that part.
English only; a goal that cannot be cut is one task.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bottega.decider import Choice, Option
from bottega.plan import Plan, PlannedTask
from bottega_agents.planning.course import Course
from bottega_agents.roles.decisions import Decisions

MOST_PARTS = 12
MOST_CHARACTERS = 4_000
LONGEST_RESULT = 300
"""Characters of a result within a task that needs it."""
_ASK = (
    r"(?:which|what|who|whom|whose|when|where|why|how|is|are|was|were|does|did|can|calculate|"
    r"compute|multiply|add|subtract|divide|find|search|list|name|show|give|tell|explain|describe|"
    r"summari[sz]e|quote|count|convert|compare|look|write)\b"
)
_CUT = re.compile(
    rf"(?<=[?!;])\s+|(?<=[a-z0-9)][.])\s+(?=[A-Z])|\n+|"
    rf"[,;]?\s+(?:and\s+then|and\s+also|and|then|also)\s+(?={_ASK})",
    re.IGNORECASE,
)
_ASKS = re.compile(rf"\?|(?:^|[,:]\s+)(?:(?:please|and|then|also)[\s,]+)*{_ASK}", re.IGNORECASE)
_SUBJECT = re.compile(r"\b(?:its?|they|them|their|he|she|his|hers?|him)\b", re.IGNORECASE)
"""Words that stand for what an earlier part is about."""
_RESULT = re.compile(
    r"\b(?:then|that|those|these|this|both|the (?:result|answer|outcome|same)s?)\b", re.IGNORECASE
)
"""Words that stand for what the part before it comes to."""
_JOINT = re.compile(r"^(?:(?:and|then|also)\b[\s,]*)+", re.IGNORECASE)
_STANDS_FOR = re.compile(r"\b(?:the (?:result|answer|outcome)s?|that|this|it)\b", re.IGNORECASE)
_VALUE = re.compile(r"(?:^|=\s*)(-?\d[\d.,]*\d|-?\d)\.?$")
"""A result that is a number, or ends with `= ` and a number."""
_KEYS = re.compile(r"\s*\[[^\[\]\n]{1,300}\]")
_QUOTED = re.compile(r'"[^"\n]*"|\u201c[^\u201d\n]*\u201d')


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One thing that a goal asks for."""

    text: str
    after: int | None = None
    """Which part it speaks of, counted from 0; None where it stands alone."""


def parts_of(goal: str) -> list[Part]:
    """Return the parts of a goal; there is always at least one.

    A sentence that asks for nothing is told with the part after it. Quotations are never cut.
    """
    goal = goal[:MOST_CHARACTERS].strip()
    found: list[Part] = []
    anchor, told = 0, ""
    for text, bare in _pieces(goal):
        if not _ASKS.search(bare):
            told = f"{told} {text}".strip()
            continue
        after = _spoken_of(bare, anchor, len(found)) if found else None
        if after is None:
            anchor = len(found)
        whole = f"{told} {_JOINT.sub('', text) if found else text}".strip()
        found.append(Part(text=whole, after=after))
        told = ""
    if not found or len(found) > MOST_PARTS:
        return [Part(text=goal)]
    if told:
        found[-1] = replace(found[-1], text=f"{found[-1].text} {told}")
    return found


def _pieces(goal: str) -> Iterator[tuple[str, str]]:
    """Yield the pieces between the cuts: as they are, and without what stands in quotes."""
    masked = _QUOTED.sub(lambda quoted: "\u25a0" * len(quoted[0]), goal)
    begin = 0
    for cut in (*_CUT.finditer(masked), None):
        end = cut.start() if cut else len(goal)
        piece, bare = goal[begin:end].strip(" ,"), masked[begin:end].strip(" ,")
        if piece:
            yield piece, bare
        if cut:
            begin = cut.start() + len(cut[0]) - len(cut[0].lstrip(" ,;"))


def _spoken_of(bare: str, anchor: int, count: int) -> int | None:
    """Return the part that words of this one stand for."""
    if _RESULT.search(bare):
        return count - 1
    return anchor if _SUBJECT.search(bare) else None


async def drafted(goal: str, team: Mapping[str, str], decisions: Decisions) -> Plan:
    """Return a plan of the goal's parts."""
    tasks: list[PlannedTask] = []
    for part in parts_of(goal):
        choice = await _choice(part.text, team, decisions)
        owner = choice.name or _likeliest(choice, team)
        after = () if part.after is None else (tasks[part.after].id,)
        name = f"t{len(tasks) + 1}"
        tasks.append(PlannedTask(id=name, goal=part.text, owner=owner, after=after))
    return Plan(goal=goal, tasks=tuple(tasks))


async def reallotted(
    plan: Plan,
    team: Mapping[str, str],
    tried: Mapping[str, Sequence[str]],
    decisions: Decisions,
) -> Plan | None:
    """Return the plan with what failed given to others; None where nobody else fits."""
    again: list[PlannedTask] = []
    for task in plan.with_status("failed"):
        gone = (*tried.get(task.id, ()), task.owner)
        others = {name: text for name, text in team.items() if name not in gone}
        choice = await _choice(task.goal, others, decisions) if others else Choice(name=None)
        if choice.name is not None:
            fresh = replace(task, owner=choice.name, status="open", result="", reason="")
            again.append(fresh)
    return plan.revised(again) if again else None


def spelled_out(course: Course, task: PlannedTask) -> str:
    """Return a task with what it speaks of, for an owner that reads nothing beside its task.

    A number takes the place of the word that stands for it; what comes of a document is named by
    the document's title.
    """
    text = task.goal
    for name in task.after:
        result = " ".join(_KEYS.sub("", course.plan.task(name).result).split())
        value, cited = _VALUE.search(result), course.cited.get(name, ())
        title = cited[0]["heading"].partition(" > ")[0].replace('"', "") if cited else ""
        if value and not title:
            text, found = _STANDS_FOR.subn(value[1], text, count=1)
            text = text if found else f"{text} ({value[1]})"
        else:
            quoted = f'"{title}"' if title else result[:LONGEST_RESULT]
            text = f"{text} ({quoted})"
    return text


async def _choice(text: str, team: Mapping[str, str], decisions: Decisions) -> Choice:
    options = [Option(name=name, description=about) for name, about in team.items()]
    return await decisions.choose(text, options)


def _likeliest(choice: Choice, team: Mapping[str, str]) -> str:
    """Return who fits best where nobody fits well: the first where nothing is known."""
    return max(team, key=lambda name: choice.probabilities.get(name, 0.0))
