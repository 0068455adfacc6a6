"""A knowledge base as a smolagents tool, for its tool-calling and code agents.

    tool = KnowledgeTool(base)
    agent = CodeAgent(tools=[tool], model=model)
    sources = tool.cited(agent.run("Which PEP introduced data classes?"))

Importing this imports smolagents.
"""

from __future__ import annotations

from typing import Any, NoReturn

from smolagents import Tool  # type: ignore[import-untyped]  # it has no py.typed

from bottega.citations import resolve
from bottega.errors import InputError
from bottega.messages import Citation
from bottega.runnable import outside_loop
from bottega_plugins.knowledge.index.filters import Filters
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search
from bottega_plugins.knowledge.search_knowledge import SearchKnowledge


class KnowledgeTool(Tool):  # type: ignore[misc]  # see above
    """Search a knowledge base; agents get passages, each led by its key.

    What it raises (an empty query, a missing or damaged index) the agent reads as the step's error.
    It cannot be exported, nor can an agent with it: the index that it searches stays here.

    Source: https://github.com/huggingface/smolagents
    """

    name = "search_knowledge"
    description = (
        "Finds passages in the documents that bear on a question. Each passage begins with its key "
        "in square brackets; cite the keys of those that you use. Words in double quotes are "
        "looked for exactly as they stand, also in titles."
    )
    inputs: dict[str, dict[str, Any]] = {  # noqa: RUF012  # declared so by its base
        "query": {
            "type": "string",
            "description": "What to look for: a question, or the words you expect in the text.",
        },
        "k": {
            "type": "integer",
            "description": "How many passages to return at most; 5 when it is left out.",
            "nullable": True,
        },
    }
    output_type = "string"

    def __init__(
        self, knowledge: KnowledgeBase, filters: Filters | None = None, search: Search | None = None
    ) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]  # it takes anything
        self._search = SearchKnowledge(knowledge.retriever(filters, search or Search()))
        self._seen: dict[str, Citation] = {}

    def forward(self, query: str, k: int | None = None) -> str:
        """Return the passages as text."""
        found = outside_loop(lambda: self._search.run(query, 5 if k is None else k))
        self._seen.update((citation.key, citation) for citation in found.citations)
        return found.content

    def cited(self, answer: object) -> tuple[Citation, ...]:
        """Return the passages whose keys stand in an answer, in the order of the answer.

        Only what this tool has returned before counts: a key that was made up is none.
        """
        return resolve(str(answer), self._seen)

    def to_dict(self) -> NoReturn:
        """Raise InputError: the code of the tool is nothing without its index."""
        raise _unexportable()

    def save(self, *_: object, **__: object) -> NoReturn:
        """Raise InputError, as `to_dict` does, before a file is written."""
        raise _unexportable()

    def push_to_hub(self, *_: object, **__: object) -> NoReturn:
        """Raise InputError, as `to_dict` does, before anything is sent."""
        raise _unexportable()


def _unexportable() -> InputError:
    return InputError(
        "KnowledgeTool cannot be exported: it searches an index on this machine",
        hint="export the agent without it, and where that is loaded, make the tool anew: "
        "KnowledgeTool(KnowledgeBase.open(PATH))",
    )
