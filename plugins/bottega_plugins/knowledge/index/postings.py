"""The words of a segment: for each word the passages that have it, and what it says about each.

Kept is the part of the BM25 score that depends on the passage: tf / (tf + k1 (1 - b + b l / a)) for
a passage of l words where passages have a words on average (Lucene's form of Robertson and
Zaragoza, 2009). The word's weight in the whole index, its idf, is known when a query comes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.checked_file import CheckedFile

STARTS = "words.starts"
"""64-bit: where each word's postings begin, by the word's number; after the last, their end."""
PASSAGES = "words.passages"
"""32-bit, ascending for each word."""
SCORES = "words.scores"
"""32-bit floats beside them."""
LENGTHS = "words.lengths"
"""32-bit: how many words each passage has."""

K1 = 0.9
B = 0.75
"""k1 was chosen on collections for development (`benchmarks/retrieval.py --dev`); b is usual."""
_SAME = 5e-6
"""Averages that differ by less, as a share, give the same scores but for rounding."""


class Postings:
    """Reads the words of a segment by their numbers."""

    def __init__(self, files: dict[str, CheckedFile], average: float) -> None:
        self._files = files
        self.average = average
        """Words a passage, on average in the segment: what the scores were made with."""

    def count(self, number: int) -> int:
        """Return how many passages have a word."""
        start, stop = self._span(number)
        return stop - start

    def passages(self, number: int) -> NDArray[np.int32]:
        """Return the passages that have a word, ascending."""
        start, stop = self._span(number)
        return self._files[PASSAGES].array("<i4", start, stop - start)

    def scores(self, number: int, average: float) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the passages that have a word, and its scores where passages have `average`."""
        start, stop = self._span(number)
        passages = self._files[PASSAGES].array("<i4", start, stop - start)
        scores = self._files[SCORES].array("<f4", start, stop - start)
        if abs(average - self.average) > _SAME * self.average:
            lengths = self.lengths(int(passages[0]), int(passages[-1]) + 1)
            scores = rescaled(scores, lengths[passages - passages[0]], self.average, average)
        return passages, scores

    def portion(
        self, first: int, stop: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """Return how many postings the words from `first` up to `stop` have, and the postings."""
        import numpy as np

        starts = self._files[STARTS].array("<i8", first, stop - first + 1)
        place, count = int(starts[0]), int(starts[-1] - starts[0])
        passages = self._files[PASSAGES].array("<i4", place, count)
        return np.diff(starts), passages, self._files[SCORES].array("<f4", place, count)

    def lengths(self, start: int, stop: int) -> NDArray[np.uint32]:
        """Return how many words passages have."""
        return self._files[LENGTHS].array("<u4", start, stop - start)

    def starts(self) -> NDArray[np.int64]:
        """Return where the postings of all words begin, and where the last end."""
        file = self._files[STARTS]
        return file.array("<i8", 0, file.size // 8)

    def _span(self, number: int) -> tuple[int, int]:
        start, stop = self._files[STARTS].array("<i8", number, 2).tolist()
        return start, stop


def idf(passages: int, having: int) -> float:
    """Return the weight of a word that so many of the passages have, in Lucene's form."""
    return math.log(1 + (passages - having + 0.5) / (having + 0.5))


def rescaled(
    scores: NDArray[np.float32], lengths: NDArray[np.uint32], old: float, new: float
) -> NDArray[np.float32]:
    """Return the scores as they are where passages have `new` words on average, not `old`."""
    import numpy as np

    if old == new:
        return scores
    below = np.minimum(scores, np.float32(1 - 1e-6))
    share = below / (1 - below)  # tf / (k1 (1 - b + b l / old))
    share *= ((1 - B + B * lengths / old) / (1 - B + B * lengths / new)).astype(np.float32)
    changed: NDArray[np.float32] = (share / (1 + share)).astype(np.float32)
    return changed
