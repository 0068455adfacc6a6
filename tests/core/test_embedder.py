"""The seam for embeddings: queries may be read otherwise than documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bottega.embedder import Embedder, QueryEmbedder, embed_query


class Plain:
    """Embeds a text by its length."""

    name = "plain"
    dimension = 2
    max_tokens = 8

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.array([[len(text), 1] for text in texts], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))] if text else []


class Prompted(Plain):
    """Puts a prompt before queries."""

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return await self.embed([f"query: {text}" for text in texts])


def test_an_embedder_need_not_tell_queries_apart() -> None:
    assert isinstance(Plain(), Embedder)
    assert not isinstance(Plain(), QueryEmbedder)
    vector = asyncio.run(embed_query(Plain(), "four"))
    assert vector.tolist() == asyncio.run(Plain().embed(["four"]))[0].tolist()


def test_one_that_does_is_asked_for_queries() -> None:
    assert isinstance(Prompted(), QueryEmbedder)
    vector = asyncio.run(embed_query(Prompted(), "four"))
    assert vector.tolist() == asyncio.run(Plain().embed(["query: four"]))[0].tolist()
    assert vector.tolist() != asyncio.run(Plain().embed(["four"]))[0].tolist()
