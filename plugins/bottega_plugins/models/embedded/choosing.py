"""Choosing the tool for each part of a task: by meaning, and by a few plain signals.

Three kinds of tools are known by what their descriptions mean: those that look things up, those
that calculate and those that keep a fact. A question goes to the first and never to the last, a
sum to the second, a statement to the third; any other must fit by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bottega.messages import Json
from bottega.model import ToolSpec
from bottega_plugins.models.embedded.arithmetic import expression_in
from bottega_plugins.models.embedded.filling import fill
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.statement import stated
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import covered, terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TOOLS = 200
_ROLES = {
    "lookup": "search documents for passages, look up facts, find and quote information",
    "sum": "calculate, evaluate an arithmetic expression, compute with numbers",
    "person": "ask the person or the user a question and wait for the reply",
    "end": "give the final answer and end the task",
    "keep": "remember, note, keep or save a fact for later",
}
_AT_LEAST = 0.3
"""Below this, a tool that neither looks up nor calculates does not fit a task."""
_A_ROLE = {"lookup": 0.25, "sum": 0.25, "person": 0.5, "end": 0.5, "keep": 0.5}
"""Cosine from which a tool may play a role; those that are never chosen must be told plainly."""
_KEEPS = re.compile(r"(?:\w+: )?(?:remember|memori[sz]e|keep|store|save|note)s?\b", re.IGNORECASE)
"""How a tool begins that keeps; one that finds what was kept means nearly the same."""


@dataclass(frozen=True)
class Choice:
    """A call to make."""

    tool: str
    arguments: dict[str, Json]
    score: float
    asks: tuple[Ask, ...]


async def choose_calls(
    question: Question, tools: Sequence[ToolSpec], vectors: Vectors
) -> list[Choice]:
    """Return one call for each tool that some part of the task fits, in the parts' order."""
    known = tools[:MOST_TOOLS]
    if not known:
        return []
    table = await _table(known, vectors)
    kept = _keeping(question.text, known, table)
    if kept and "?" not in question.text:
        return kept
    parts: dict[str, list[Ask]] = {}
    scores: dict[str, float] = {}
    asked = await vectors.of([ask.text for ask in question.asks])
    for ask, vector in zip(question.asks, asked, strict=True):
        for score, name in _ranked(ask, vector, known, table):
            spec = next(spec for spec in known if spec.name == name)
            if fill(spec.parameters, ask.text) is not None:
                parts.setdefault(name, []).append(ask)
                scores[name] = max(score, scores.get(name, 0.0))
                break
    return kept + [
        choice
        for spec in known
        if spec.name in parts
        and (choice := _choice(spec, question, tuple(parts[spec.name]), scores[spec.name]))
    ]


def _keeping(text: str, tools: Sequence[ToolSpec], table: _Table) -> list[Choice]:
    """Return the call that keeps what a task tells; none where it tells nothing."""
    spec = next((s for s, role in zip(tools, table.roles, strict=True) if role == "keep"), None)
    fact = stated(text) if spec else ""
    arguments = fill(spec.parameters, fact) if spec and fact else None
    return [Choice(spec.name, arguments, 1.0, ())] if spec and arguments else []


def _choice(
    spec: ToolSpec, question: Question, asks: tuple[Ask, ...], score: float
) -> Choice | None:
    """Put all parts for one tool into one call."""
    whole = asks == question.asks
    text = question.text if whole else " ".join(_closed(ask.text) for ask in asks)
    arguments = fill(spec.parameters, text)
    return None if arguments is None else Choice(spec.name, arguments, score, asks)


def _closed(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}?"


async def lookups(tools: Sequence[ToolSpec], vectors: Vectors) -> frozenset[str]:
    """Return the names of the tools that look things up."""
    known = tools[:MOST_TOOLS]
    roles = (await _table(known, vectors)).roles if known else []
    return frozenset(spec.name for spec, role in zip(known, roles, strict=True) if role == "lookup")


@dataclass(frozen=True)
class _Table:
    """Tools as vectors, and how much each looks like one of the roles."""

    rows: NDArray[np.float32]
    roles: list[str]


async def _table(tools: Sequence[ToolSpec], vectors: Vectors) -> _Table:
    rows = await vectors.of([_told(spec) for spec in tools])
    prototypes = await vectors.of(list(_ROLES.values()))
    alike = rows @ prototypes.T  # (tools, roles)
    likes = [dict(zip(_ROLES, row.tolist(), strict=True)) for row in alike]
    roles = [_role(_told(spec), like) for spec, like in zip(tools, likes, strict=True)]
    return _Table(rows, roles)


def _role(told: str, alike: Mapping[str, float]) -> str:
    """Return the role that a tool plays, by how much it is like each; empty for none."""
    if not _KEEPS.match(told):
        alike = {name: cosine for name, cosine in alike.items() if name != "keep"}
    fitting = {name: cosine for name, cosine in alike.items() if cosine >= _A_ROLE[name]}
    return max(fitting, key=fitting.__getitem__, default="")


def _told(spec: ToolSpec) -> str:
    """Say what a tool is, as it is embedded."""
    return f"{spec.name.replace('_', ' ').replace('.', ' ')}: {spec.description}"[:1_000]


def _ranked(
    ask: Ask, vector: NDArray[np.float32], tools: Sequence[ToolSpec], table: _Table
) -> list[tuple[float, str]]:
    """Return the tools that fit a part, best first."""
    wanted = "sum" if expression_in(ask.text) else "lookup"
    wanted = "keep" if ask.orders and "keep" in table.roles else wanted
    found: list[tuple[float, str]] = []
    for spec, row, role in zip(tools, table.rows, table.roles, strict=True):
        if role in ("person", "end") or (role == "keep" and not ask.orders):
            continue
        shared = covered(ask.terms, terms(_told(spec))) if ask.terms else 0.0
        score = float(row @ vector) + 0.3 * shared + (0.5 if role == wanted else 0.0)
        if score >= _AT_LEAST:
            found.append((score, spec.name))
    return sorted(found, key=lambda pair: -pair[0])
