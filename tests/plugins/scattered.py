"""An embedder whose vectors form no lists, and how an index trains on a few of them quickly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import numpy as np
from hash_embedder import HashEmbedder
from numpy.typing import NDArray

from bottega_plugins.knowledge.index.vectors import faiss_module

P = ParamSpec("P")
T = TypeVar("T")


class Scattered(HashEmbedder):
    """Vectors that point anywhere: no two texts are near each other."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors that depend on the whole text."""
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
            row[:] = np.random.default_rng(seed).standard_normal(self.dimension)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def in_one_thread(build: Callable[P, T]) -> Callable[P, T]:
    """Train on so few vectors without waiting for threads, which takes seconds on a busy machine.

    OpenMP holds the number for each thread that asks, so it is set in the one that trains.
    """

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        faiss = faiss_module()
        before = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            return build(*args, **kwargs)
        finally:
            faiss.omp_set_num_threads(before)

    return run
