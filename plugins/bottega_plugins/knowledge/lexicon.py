"""Full-text search over passages: BM25 by bm25s, kept on disk as plain arrays and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega_plugins.knowledge.words import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Lexicon:
    """Which passage has which words, and how much each says about it."""

    def __init__(self, index: Any, size: int) -> None:
        self._index = index  # bm25s.BM25; None when there are no words
        self._size = size

    @classmethod
    def build(cls, texts: Sequence[str]) -> Lexicon:
        """Count the words of the texts; a passage's number is its place among them."""
        vocabulary: dict[str, int] = {}
        rows = [[vocabulary.setdefault(w, len(vocabulary)) for w in words(t)] for t in texts]
        if not vocabulary:
            return cls(None, len(rows))
        index = _bm25s().BM25()
        index.index((rows, vocabulary), create_empty_token=False, show_progress=False)
        return cls(index, len(rows))

    def save(self, folder: Path) -> None:
        """Write to a folder, which is made; nothing is written when there are no words."""
        if self._index is not None:
            self._index.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path, size: int) -> Lexicon:
        """Read what `save` wrote. Raises OSError, ValueError or KeyError when it is damaged."""
        if not folder.exists():
            return cls(None, size)
        index = _bm25s().BM25.load(folder, allow_pickle=False, show_progress=False)
        return cls(index, size)

    def scores(self, query: str) -> NDArray[np.float32]:
        """Return how well each passage's words fit the query's; 0 where they share none."""
        import numpy as np

        known = [number for word in words(query) if (number := self._number(word)) is not None]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        scores: NDArray[np.float32] = self._index.get_scores_from_ids(known)
        return scores

    def with_all(self, text: str) -> NDArray[np.int64]:
        """Return the passages that have every word of the text, in any order."""
        import numpy as np

        rows: NDArray[np.int64] | None = None
        for word in set(words(text)):
            number = self._number(word)
            found = self._passages(number) if number is not None else np.empty(0, dtype=np.int64)
            rows = found if rows is None else np.intersect1d(rows, found, assume_unique=True)
        return np.empty(0, dtype=np.int64) if rows is None else rows

    def _number(self, word: str) -> int | None:
        if self._index is None:
            return None
        number: int | None = self._index.vocab_dict.get(word)
        return number

    def _passages(self, number: int) -> NDArray[np.int64]:
        import numpy as np

        start, end = self._index.scores["indptr"][number : number + 2]
        return np.sort(self._index.scores["indices"][start:end]).astype(np.int64)


def _bm25s() -> Any:
    return import_module("bm25s")  # it has no types
