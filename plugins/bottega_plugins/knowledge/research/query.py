"""A query, and what it is for; and the scribe, who writes queries and answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bottega.messages import Citation
from bottega.model import Usage
from bottega_plugins.knowledge.research.case import Case, folded

Purpose = Literal["question", "part", "keywords", "paraphrase", "supposed answer", "follow-up"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What to search for."""

    text: str
    purpose: Purpose = "question"
    about: str = ""
    """The part of the question that it is to answer, or the name that it follows up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Queries:
    """Queries for one turn."""

    queries: tuple[Query, ...] = ()
    missing: str = ""
    """What is still to be found out, in words; empty at the beginning."""
    usage: Usage = Usage()


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An answer before it has been checked."""

    text: str
    abstains: bool = False
    why: str = ""
    """What the model says is missing; for whoever follows the work, not for the answer."""
    usage: Usage = Usage()


class Scribe(Protocol):
    """Who puts things into words: with a model's words, or by rules and quotes."""

    @property
    def extractive(self) -> bool:
        """Whether answers are quotes."""
        ...

    async def plan(self, case: Case, most: int) -> Queries:
        """Write the first queries for a question, at most so many."""
        ...

    async def follow_up(self, case: Case, kept: Sequence[Citation], most: int) -> Queries:
        """Write queries for what the kept passages do not tell."""
        ...

    async def answer(self, case: Case, kept: Sequence[Citation]) -> Draft:
        """Answer from the kept passages alone, pointing at them by key."""
        ...


def untried(queries: Iterable[Query], tried: Iterable[str], most: int) -> tuple[Query, ...]:
    """Return the queries that are not blank, not tried and not twice, at most so many."""
    seen = set(tried)
    found: list[Query] = []
    for query in queries:
        key = folded(query.text)
        if key and key not in seen and len(found) < most:
            seen.add(key)
            found.append(query)
    return tuple(found)
