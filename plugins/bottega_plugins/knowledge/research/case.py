"""Where a piece of research stands: the question, what was searched for, and what came back.

Read from the conversation alone, so research goes on after a crash where the conversation does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from bottega.messages import Citation, Message, ToolResult

_REVIEWED = re.compile(r"\s*your answer was reviewed\b", re.IGNORECASE)
"""How the words of a critic node begin, in the place where a person would ask something new."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """One query and what it found."""

    query: str
    found: tuple[Citation, ...] = ()
    error: str = ""
    """What the tool said where it failed."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question under research."""

    question: str
    feedback: str = ""
    """What a reviewer said of the last answer; empty where nobody did."""
    rounds: tuple[tuple[Search, ...], ...] = field(default=())
    """The searches of each turn, in order."""

    @property
    def searches(self) -> Iterator[Search]:
        """All searches, in order."""
        return (search for turn in self.rounds for search in turn)

    @cached_property
    def queries(self) -> frozenset[str]:
        """What was searched for, folded."""
        return frozenset(folded(search.query) for search in self.searches)

    @cached_property
    def passages(self) -> dict[str, Citation]:
        """Every passage that was found, by key, in the order of finding."""
        found: dict[str, Citation] = {}
        for search in self.searches:
            for citation in search.found:
                found.setdefault(citation.key, citation)
        return found

    @cached_property
    def latest(self) -> frozenset[str]:
        """Keys of the passages that only the last turn has found."""
        before = {c.key for turn in self.rounds[:-1] for s in turn for c in s.found}
        last = self.rounds[-1] if self.rounds else ()
        return frozenset(c.key for search in last for c in search.found) - before

    def ranked(self, kept: Sequence[Citation]) -> list[Citation]:
        """Return the passages in the order in which searches have found them."""
        order = {key: place for place, key in enumerate(self.passages)}
        return sorted(kept, key=lambda passage: order[passage.key])


def folded(query: str) -> str:
    """Return the query so that two which differ in case and spaces alone are equal."""
    return " ".join(query.casefold().split())


def read_case(messages: Sequence[Message]) -> Case:
    """Read the conversation: its last question, and all searches since."""
    said = [i for i, m in enumerate(messages) if m.role == "user" and m.text.strip()]
    if not said:
        return Case(question="")
    place, feedback = said[-1], ""
    if len(said) > 1 and _is_review(messages, said[-1]):
        place, feedback = said[-2], messages[said[-1]].text
    since = messages[place + 1 :]
    return Case(
        question=messages[place].text.strip(), feedback=feedback, rounds=tuple(_rounds(since))
    )


def _is_review(messages: Sequence[Message], place: int) -> bool:
    answered = messages[place - 1].role == "assistant" and not messages[place - 1].calls
    return answered and _REVIEWED.match(messages[place].text) is not None


def _rounds(messages: Sequence[Message]) -> Iterator[tuple[Search, ...]]:
    queries: dict[str, str] = {}
    known: dict[str, str] = {}
    for message in messages:
        queries |= {call.id: str(call.arguments.get("query", "")) for call in message.calls}
        results = [r for r in message.results if r.call_id in queries]
        if results:
            yield tuple(_search(queries[r.call_id], r, known) for r in results)


def _search(query: str, result: ToolResult, known: dict[str, str]) -> Search:
    error = result.content if result.is_error else ""
    found = tuple(_with_own_key(citation, known) for citation in result.citations)
    return Search(query=query, found=found, error=error)


def _with_own_key(citation: Citation, known: dict[str, str]) -> Citation:
    """Return the passage under a key that no other text has: two libraries may use the same."""
    key, count = citation.key, 1
    while known.setdefault(key, citation.quote) != citation.quote:
        count += 1
        key = f"{citation.key}~{count}"
    return citation if count == 1 else replace(citation, key=key)
