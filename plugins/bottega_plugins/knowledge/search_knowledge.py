"""The tool `search_knowledge`: agents look things up in a folder of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bottega.tools import Output, Tool
from bottega_plugins.knowledge.visible import visible

if TYPE_CHECKING:
    from bottega.messages import Citation
    from bottega.retriever import Retriever

_LONGEST_PASSAGE = 2_000
_MOST_PASSAGES = 20


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
    heading = " ".join(visible(citation.heading).split())
    return f"[{citation.key}] {heading}\n{visible(text)}"
