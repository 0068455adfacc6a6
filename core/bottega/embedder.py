"""The seam for text embeddings: texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class Embedder(Protocol):
    """A text embedding model."""

    @property
    def name(self) -> str:
        """A name that changes with the weights: indexes store it and refuse another."""
        ...

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longest text it reads, in its own tokens; what is beyond is cut."""
        ...

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of shape (len(texts), dimension), each row of length 1."""
        ...

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the character span of each token of the text."""
        ...


@runtime_checkable
class QueryEmbedder(Protocol):
    """What an embedder also has when it reads queries otherwise than documents, by a prompt."""

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors as `embed` does, of texts that are questions."""
        ...


async def embed_query(embedder: Embedder, query: str) -> NDArray[np.float32]:
    """Return a query's vector, shape (dimension,)."""
    if isinstance(embedder, QueryEmbedder):
        rows = await embedder.embed_queries([query])
    else:
        rows = await embedder.embed([query])
    vector: NDArray[np.float32] = rows[0]
    return vector
