"""The tool `search_knowledge`: agents look things up in a folder of documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bottega.tools import Output, Tool

if TYPE_CHECKING:
    from bottega.messages import Citation
    from bottega.retriever import Retriever

_LONGEST_PASSAGE = 2_000
_MOST_PASSAGES = 20
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


class SearchKnowledge(Tool):
    """Search in documents, through any retriever."""

    name = "search_knowledge"
    effects = "none"
    permissions = frozenset({"files:read"})
    trust = "untrusted"

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever

    async def run(self, query: str, k: int = 5) -> Output:
        """Find passages in the documents that bear on a question.

        Each passage begins with its key in square brackets; cite the keys of those that you use.
        Words in double quotes are looked for exactly as they stand, also in titles.

        Args:
            query: what to look for: a question, or the words you expect in the text.
            k: how many passages to return at most.
        """
        found = await self._retriever.search(query, min(k, _MOST_PASSAGES))
        if not found:
            return Output(content="nothing found")
        content = "\n\n".join(_shown(citation) for citation in found)
        return Output(content=content, citations=tuple(found))


def _shown(citation: Citation) -> str:
    text = citation.quote
    if len(text) > _LONGEST_PASSAGE:
        text = f"{text[:_LONGEST_PASSAGE]} ..."
    heading = " ".join(_visible(citation.heading).split())
    return f"[{citation.key}] {heading}\n{_visible(text)}"


def _visible(text: str) -> str:
    """Return the text without control, invisible and direction-changing characters."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n"))
