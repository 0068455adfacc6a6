"""Knowledge from documents: an index over a folder, a retriever, a tool and a command.

Only the offers stand here; what they make is imported when it is made. `knowledge_base` is the way
in for programs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bottega.offer import Offer
from bottega.plugin.spec import hookimpl

if TYPE_CHECKING:
    import click

    from bottega.plugin.context import FactoryContext
    from bottega.retriever import Retriever
    from bottega.tools import Tool

EMBEDDER = "minilm"


def _retriever(context: FactoryContext, docs: str, embedder: str = EMBEDDER) -> Retriever:
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

    made = context.make("embedder", embedder)
    return KnowledgeBase.open(context.folder / docs, made, home=context.home)


def _tool(context: FactoryContext, docs: str, embedder: str = EMBEDDER) -> Tool:
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
    from bottega_plugins.knowledge.search_knowledge import SearchKnowledge

    made = context.make("embedder", embedder)
    knowledge = KnowledgeBase.open(context.folder / docs, made, home=context.home)
    knowledge.require_index()  # before a run begins, not in the middle of it
    return SearchKnowledge(knowledge)


def _index(context: FactoryContext) -> click.Command:
    from bottega_plugins.knowledge.index_command import make_command

    return make_command(context, EMBEDDER)


def _ask(context: FactoryContext) -> click.Command:
    from bottega_plugins.knowledge.ask_command import make_command

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
def bottega_commands() -> Iterable[Offer]:
    """Offer the commands that index a folder of documents and answer from it."""
    index = "Index a folder of documents, so that agents can search it."
    ask = "Ask a question about a folder of documents."
    return [
        Offer(name="index", summary=index, factory=_index),
        Offer(name="ask", summary=ask, factory=_ask),
    ]
