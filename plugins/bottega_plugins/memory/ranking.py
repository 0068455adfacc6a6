"""Finding what fits a query: cosine of embeddings and shared words, over everything in memory.

Brute force: a hundred thousand entries of 384 dimensions are one product of a matrix of 154 MB.
Words are weighted by how rare they are (inverse document frequency), in an index held in memory
alone, so that nothing that was forgotten stays in one on disk.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")
_WORD = re.compile(r"\w+")
OF_WORDS = 0.25
"""Weight of shared words in a score; the rest is the cosine's."""


class Ranking(Generic[T]):
    """Items with an owner, a text and a vector each."""

    def __init__(self, dimension: int) -> None:
        self._items: list[T] = []
        self._vectors = np.zeros((64, dimension), dtype=np.float32)
        self._owners = np.zeros(64, dtype=np.int32)
        self._hidden = np.zeros(64, dtype=np.bool_)
        self._owner_ids: dict[str, int] = {"": 0}
        self._postings: dict[str, array[int]] = {}

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: T, owner: str, text: str, vector: NDArray[np.float32]) -> int:
        """Add an item; return its place."""
        place = len(self._items)
        if place == len(self._owners):
            self._grow()
        self._items.append(item)
        self._vectors[place] = vector
        self._owners[place] = self._owner_ids.setdefault(owner, len(self._owner_ids))
        for word in words(text):
            self._postings.setdefault(word, array("L")).append(place)
        return place

    def hide(self, place: int) -> None:
        """Let an item be found no more."""
        self._hidden[place] = True

    def cosine(self, one: int, other: int) -> float:
        """Return the cosine of the items at two places."""
        return float(self._vectors[one] @ self._vectors[other])

    def search(
        self, vector: NDArray[np.float32], text: str, k: int, *, owner: str, least: float
    ) -> list[tuple[T, float]]:
        """Return at most k visible items of the owner or of nobody, best first, with scores."""
        size = len(self._items)
        if not size or k < 1:
            return []
        scores = (1 - OF_WORDS) * np.maximum(self._vectors[:size] @ vector, 0)
        scores += OF_WORDS * self._shared_words(text)
        mine = self._owner_ids.get(owner, 0)
        owners = self._owners[:size]
        scores[self._hidden[:size] | ((owners != 0) & (owners != mine))] = -1
        best = np.argpartition(-scores, min(k, size) - 1)[: min(k, size)]
        ordered = sorted(best.tolist(), key=lambda place: (-float(scores[place]), place))
        return [
            (self._items[place], float(scores[place]))
            for place in ordered
            if scores[place] >= least
        ]

    def _shared_words(self, text: str) -> NDArray[np.float32]:
        """Return what part of the query's words each item has, weighted, from 0 to 1."""
        size = len(self._items)
        scores = np.zeros(size, dtype=np.float32)
        total = 0.0
        for word in words(text):
            places = self._postings.get(word)
            count = len(places) if places is not None else 0
            weight = math.log(1 + (size - count + 0.5) / (count + 0.5))
            total += weight
            if places is not None:
                scores[np.frombuffer(places, dtype=np.dtype("L"))] += weight
        return scores / total if total else scores

    def _grow(self) -> None:
        size = 2 * len(self._owners)
        for name in ("_vectors", "_owners", "_hidden"):
            old = getattr(self, name)
            new = np.zeros((size, *old.shape[1:]), dtype=old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)


def words(text: str) -> Sequence[str]:
    """Return the words of a text, each once, in lower case."""
    return list(dict.fromkeys(_WORD.findall(text.lower())))
