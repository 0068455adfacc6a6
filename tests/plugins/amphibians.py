"""Documents with metadata for tests, and which of them a search finds."""

from __future__ import annotations

from typing import Any

from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

DOCUMENTS: list[dict[str, Any]] = [
    {
        "source": "frogs.md",
        "content": "# Frogs\n\nFrogs are green and swim.\n\n## Food\n\nFrogs eat flies.\n",
        "metadata": {"year": 2019, "lang": "en", "tags": ["pond", "green"], "draft": False},
    },
    {
        "source": "toads.md",
        "content": "# Toads\n\nToads are brown and walk, unlike frogs.\n",
        "metadata": {"year": 2022, "lang": "en", "tags": ["garden"]},
    },
    {
        "source": "newts.txt",
        "content": "Molche schwimmen wie Frogs.",
        "metadata": {"year": 2024.5, "lang": "de", "by": {"name": "Ann"}},
    },
]


def sources(base: KnowledgeBase, query: str = "frogs", **options: Any) -> set[str]:
    """Return the sources of what is found."""
    return {citation.source for citation in base.search(query, 10, **options)}
