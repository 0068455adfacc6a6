"""Knowledge from documents: an index over a folder, a retriever, a tool and a command.

Only the offers stand here; what they make is imported when it is made, and so are the names that
programs use.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bottega.errors import InputError
from bottega.lazy import lazy_names
from bottega.offer import Offer
from bottega.plugin.spec import hookimpl

if TYPE_CHECKING:
    import click

    from bottega.plugin.context import FactoryContext
    from bottega.retriever import Retriever
    from bottega.tools import Tool
    from bottega_plugins.knowledge.adapters.langchain import KnowledgeRetriever
    from bottega_plugins.knowledge.adapters.smolagents import KnowledgeTool
    from bottega_plugins.knowledge.documents.document import Document
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
    from bottega_plugins.knowledge.research import Limits, ResearchModel
    from bottega_plugins.knowledge.search.search import Search
    from bottega_plugins.knowledge.search_knowledge import SearchKnowledge

__all__ = [
    "KnowledgeBase",
    "Document",
    "Search",
    "SearchKnowledge",
    "ResearchModel",
    "Limits",
    "KnowledgeRetriever",
    "KnowledgeTool",
]

__getattr__ = lazy_names(
    __name__,
    {
        "KnowledgeBase": "knowledge_base",
        "Document": "documents.document",
        "Search": "search.search",
        "SearchKnowledge": "search_knowledge",
        "ResearchModel": "research",
        "Limits": "research",
        "KnowledgeRetriever": "adapters.langchain",
        "KnowledgeTool": "adapters.smolagents",
    },
)

EMBEDDER = "minilm"


def _knowledge(context: FactoryContext, docs: str = "", embedder: str = EMBEDDER) -> KnowledgeBase:
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

    folder = context.folder / docs if docs else _only_folder(context)
    return KnowledgeBase.open(folder, context.make("embedder", embedder), home=context.home)


def _retriever(context: FactoryContext, docs: str = "", embedder: str = EMBEDDER) -> Retriever:
    return _knowledge(context, docs, embedder).retriever()


def _only_folder(context: FactoryContext) -> Path:
    from bottega_plugins.knowledge.index.store import only_indexed

    folder = only_indexed(context.folder, context.state_folder)
    if folder is None:
        raise InputError(
            "search_knowledge is not told where to search",
            hint="name a folder that was indexed: {search_knowledge: {docs: FOLDER}}",
        )
    return folder


def _tool(
    context: FactoryContext,
    docs: str = "",
    embedder: str = EMBEDDER,
    rerank: str = "",
    diversity: float = 0.0,
    filters: dict[str, Any] | None = None,
) -> Tool:
    from bottega_plugins.knowledge.search.rerank import make_reranker
    from bottega_plugins.knowledge.search.search import Search
    from bottega_plugins.knowledge.search_knowledge import SearchKnowledge

    knowledge = _knowledge(context, docs, embedder)
    knowledge.require_index()  # before a run begins, not in the middle of it
    reranker = make_reranker(rerank, context.folder) if rerank else None
    search = Search(diversity=diversity, reranker=reranker)
    return SearchKnowledge(knowledge.retriever(filters, search))


def _researcher(
    context: FactoryContext,
    *,
    rounds: int = 3,
    searches: int = 5,
    passages: int = 8,
    results: int = 5,
    unsupported: Literal["mark", "drop"] = "mark",
) -> Any:
    from bottega_plugins.knowledge.research import Limits, make_kind

    return make_kind(
        context,
        Limits(
            rounds=rounds,
            searches=searches,
            passages=passages,
            results=results,
            unsupported=unsupported,
        ),
    )


def _research(context: FactoryContext) -> ResearchModel:
    from bottega_plugins.knowledge.research import make_model

    return make_model(context)


def _index(context: FactoryContext) -> click.Command:
    from bottega_plugins.knowledge.commands.index_command import make_command

    return make_command(context, EMBEDDER)


def _ask(context: FactoryContext) -> click.Command:
    from bottega_plugins.knowledge.commands.ask_command import make_command

    return make_command(context, EMBEDDER)


@hookimpl
def bottega_retrievers() -> Iterable[Offer]:
    """Offer the retriever over a folder of documents."""
    summary = "Passages of a folder of documents: FAISS vectors and BM25, fused."
    return [Offer(name="faiss", summary=summary, factory=_retriever)]


@hookimpl
def bottega_tools() -> Iterable[Offer]:
    """Offer the tool that searches such a folder."""
    summary = "Finds passages in a folder of documents, with file and lines to cite."
    return [Offer(name="search_knowledge", summary=summary, factory=_tool)]


@hookimpl
def bottega_agents() -> Iterable[Offer]:
    """Offer the kind of agent that answers from documents alone."""
    summary = "Searches, judges, searches again; each sentence of its answer cites its evidence."
    return [Offer(name="researcher", summary=summary, factory=_researcher)]


@hookimpl
def bottega_models() -> Iterable[Offer]:
    """Offer research as a model, for agents outside of graphs."""
    summary = "Research through another model: research:embedded, research:openai:NAME."
    return [Offer(name="research", summary=summary, factory=_research)]


@hookimpl
def bottega_commands() -> Iterable[Offer]:
    """Offer the commands that index a folder of documents and answer from it."""
    index = "Index a folder of documents, so that agents can search it."
    ask = "Ask a question about a folder of documents."
    return [
        Offer(name="index", summary=index, factory=_index),
        Offer(name="ask", summary=ask, factory=_ask),
    ]
