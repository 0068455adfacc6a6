"""A knowledge base as a LangChain retriever: a part of any chain, sync and async.

    chain = {"context": KnowledgeRetriever(knowledge=base), "question": RunnablePassthrough()} | ...

Importing this imports langchain-core; nothing else of LangChain is needed.
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from bottega.messages import Citation
from bottega_plugins.knowledge.index.filters import Filters
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search


class KnowledgeRetriever(BaseRetriever):
    """Passages of a knowledge base as LangChain documents.

    The id of each is its key; its metadata holds `source`, `title`, `heading`, `line`, `start`,
    `end` (characters), `score`, `key`, in formats with pages `page` (from 1), and the metadata of
    the document: as `document.score` and the like where it has a name of those. `k` and `filters`
    may also be given with a call: `invoke(query, k=3)`. Raises what `KnowledgeBase.search` raises.

    Source: https://python.langchain.com/docs/concepts/retrievers
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    knowledge: KnowledgeBase
    k: int = Field(default=5, ge=1)
    filters: Filters | None = None
    search: Search = Search()

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        filters: Filters | None = None,
    ) -> list[Document]:
        found = self.knowledge.search(query, *self._wanted(k, filters))
        return [_document(citation) for citation in found]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
        filters: Filters | None = None,
    ) -> list[Document]:
        found = await self.knowledge.asearch(query, *self._wanted(k, filters))
        return [_document(citation) for citation in found]

    def _wanted(self, k: int | None, filters: Filters | None) -> tuple[int, Filters | None, Search]:
        return (
            self.k if k is None else k,
            self.filters if filters is None else filters,
            self.search,
        )


def _document(citation: Citation) -> Document:
    place: dict[str, Any] = {
        "source": citation.source,
        "title": citation.metadata.get("title", ""),
        "heading": citation.heading,
        "line": citation.line,
        "start": citation.start,
        "end": citation.end,
        "score": citation.score,
        "key": citation.key,
    }
    if citation.page:
        place["page"] = citation.page
    rest = {name: value for name, value in citation.metadata.items() if name != "title"}
    told = {f"document.{name}" if name in place else name: value for name, value in rest.items()}
    return Document(id=citation.key, page_content=citation.quote, metadata=told | place)
