"""The seam for retrieval: a query in, passages with their exact place in the source out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from bottega.messages import Citation


@runtime_checkable
class Retriever(Protocol):
    """Something that finds passages."""

    async def search(self, query: str, k: int = 5) -> Sequence[Citation]:
        """Return at most k passages, best first; fewer when nothing more fits."""
        ...
