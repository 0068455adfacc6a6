"""What tools have brought: passages to read, reports to pass on, and plain results."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bottega.messages import Citation, ToolResult
from bottega_plugins.models.embedded.words import shown, stem, terms, words

MOST_PASSAGES = 40
MOST_CHARACTERS = 8_000
"""Of one passage; the rest is not read."""
_LONGEST_DAY = 20
_COMPARED = 200
_MOST_COMPARED = 200_000
_LETTERS = re.compile(r"\W+")


@dataclass(frozen=True)
class Passage:
    """A piece of evidence."""

    key: str
    """How an answer points at it; empty where the tool gave no key."""
    source: str
    heading: str
    text: str
    rank: int
    """Place among the results of its search, from 0."""
    start: int = 0
    """Where it begins in its document, in characters."""
    since: str = ""
    """The day on which it was remembered; empty for what is no memory."""
    newer: str = ""
    """Key of a passage that was remembered later and may hold in its place."""

    @cached_property
    def place(self) -> frozenset[str]:
        """Folded words of its heading and source: what its document is called."""
        found = words(f"{self.heading} {self.source}")
        return frozenset(word.lstrip("0") or word for word in found) | frozenset(found)

    @cached_property
    def terms(self) -> frozenset[str]:
        """Stems of its words and of its place."""
        return frozenset(terms(self.text)) | frozenset(map(stem, self.place))

    @property
    def cited(self) -> str:
        """The key as an answer has it, with a space before it; empty without a key."""
        return f" [{self.key}]" if self.key else ""


def passages_of(results: Iterable[ToolResult]) -> list[Passage]:
    """Return the passages that searches have brought, each once, in order."""
    found: dict[str, Passage] = {}
    for result in results:
        for rank, citation in enumerate(() if is_report(result) else result.citations):
            found.setdefault(citation.key, _passage(citation, rank))
    return list(found.values())[:MOST_PASSAGES]


def is_report(result: ToolResult) -> bool:
    """Say whether a result is somebody's answer with its citations, not the passages themselves."""
    if not result.citations:
        return False
    content = _bare(result.content)
    return not any(_bare(c.quote)[:_COMPARED] in content for c in result.citations if c.quote)


def uncited(result: ToolResult) -> Passage:
    """Take a result that brought no citations as one passage."""
    return Passage("", "", "", result.content[:MOST_CHARACTERS], 0)


def _passage(citation: Citation, rank: int) -> Passage:
    return Passage(
        key=citation.key,
        source=citation.source,
        heading=shown(citation.heading),
        text=citation.quote[:MOST_CHARACTERS],
        rank=rank,
        start=citation.start,
        since=str(citation.metadata.get("since", ""))[:_LONGEST_DAY],
        newer=str(citation.metadata.get("newer", "")),
    )


def _bare(text: str) -> str:
    """Keep letters and digits only: tools differ in what they do to the rest."""
    return _LETTERS.sub("", text[:_MOST_COMPARED])
