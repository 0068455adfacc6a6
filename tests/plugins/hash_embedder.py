"""An embedder for tests: every word adds to one of a few dimensions. Fast, and always the same."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bottega import hookimpl
from bottega.offer import Offer

_WORD = re.compile(r"\w+")


class HashEmbedder:
    """A real embedder in all but quality; it counts what it was asked."""

    def __init__(self, name: str = "hash", dimension: int = 64, max_tokens: int = 64) -> None:
        self.name = name
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.embedded = 0

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of hashed words."""
        self.embedded += len(texts)
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in _WORD.findall(text.lower()) or ["nothing"]:
                row[zlib.crc32(word.encode("utf-8", "replace")) % self.dimension] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of words and single marks."""
        return [match.span() for match in re.finditer(r"\w{1,8}|[^\w\s]", text)]


class Hashing:
    """A plugin with the embedder, under the name of the real one or another."""

    def __init__(self, name: str = "minilm") -> None:
        self._name = name

    @hookimpl
    def bottega_embedders(self) -> list[Offer]:
        """Offer it."""
        return [Offer(name=self._name, summary="Hashes.", factory=lambda context: HashEmbedder())]
