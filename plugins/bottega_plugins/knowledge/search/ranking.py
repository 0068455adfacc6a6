"""Which passages answer a query best: vectors, words and titles, fused; quoted phrases first.

Three lists are fused: nearest vectors, best words, and passages of documents that the query names.
Fusion is reciprocal rank fusion with k = 60 (Cormack, Clarke and Buettcher, SIGIR 2009). Text in
double quotes is also looked for word by word: passages that have it come before those that do not,
and first those of a document or section that is called exactly so, led by the document's beginning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.search import phrases
from bottega_plugins.knowledge.search.search import Search
from bottega_plugins.knowledge.words import plain_words, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.record import Passage
    from bottega_plugins.knowledge.index.snapshot import Snapshot

FUSION = 60
LONGEST_TITLE = 20
"""Words of a title that a query is searched for."""
_DEPTH = 1_000
"""How far down each list is looked at."""
_MOST_WORDS = 100


class Ranking:
    """The order of an index's passages for one query."""

    def __init__(
        self,
        snapshot: Snapshot,
        query: str,
        vector: NDArray[np.float32],
        how: Search,
        among: NDArray[np.bool_] | None,
    ) -> None:
        self._snapshot = snapshot
        self._query = query
        self._vector = vector
        self._how = how
        self._among = among
        self._words = snapshot.word_scores(Counter(words(query)))
        if among is not None:
            self._words *= among

    def best(self, k: int) -> list[tuple[Passage, float]]:
        """Return at most k passages with their scores, best first, no text twice."""
        depth = max(_DEPTH, 4 * k)
        while True:
            found = list(self._distinct(self._ordered(depth), k))
            if len(found) == k or depth >= self._snapshot.size:
                return found
            depth *= 8  # a thousand copies of one text have filled the lists

    def _ordered(self, depth: int) -> list[tuple[int, float]]:
        scores: dict[int, float] = {}
        for numbers in self._lists(depth):
            for place, number in enumerate(numbers, start=1):
                scores[number] = scores.get(number, 0.0) + 1.0 / (FUSION + place)
        for number, bonus in self._quoted().items():
            scores[number] = scores.get(number, 0.0) + bonus
        return sorted(scores.items(), key=lambda item: (-item[1], item[0]))

    def _lists(self, depth: int) -> Iterator[Sequence[int]]:
        if self._how.mode != "words":
            numbers, _ = self._snapshot.nearest(self._vector, depth, self._among)
            yield numbers.tolist()
        if self._how.mode != "vectors":
            yield _highest(self._words, depth)
            yield self._by_title()

    def _by_title(self) -> list[int]:
        """Return the passages of documents whose whole title stands in the query, best first.

        The first of all is a document's first passage, for that says what the document is. A title
        of one word is no name: it is as likely a word like any other.
        """
        asked = plain_words(self._query).split()[:_MOST_WORDS]
        names = {
            " ".join(asked[start:stop])
            for start, stop in combinations(range(len(asked) + 1), 2)
            if 2 <= stop - start <= LONGEST_TITLE
        }
        found = [
            (number > first, -float(self._words[number]), number)
            for first, stop in self._snapshot.named(sorted(names))
            for number in range(first, min(stop, first + _DEPTH))
            if self._among is None or self._among[number]
        ]
        return [number for _, _, number in sorted(found)[:_DEPTH]]

    def _quoted(self) -> dict[int, float]:
        """Return a bonus by passage number; the least is more than any sum of reciprocal ranks."""
        bonus: dict[int, float] = {}
        for phrase in phrases.quoted(self._query):
            for passage in self._snapshot.passages(self._candidates(phrase)):
                points = phrases.points(phrase, passage)
                if points:
                    bonus[passage.number] = bonus.get(passage.number, 0.0) + points
        return bonus

    def _candidates(self, phrase: str) -> list[int]:
        """Return the passages with all words of the phrase, the best first where there are many."""
        numbers = self._snapshot.with_all(words(phrase))
        if self._among is not None:
            numbers = numbers[self._among[numbers]]
        if len(numbers) > _DEPTH:
            scores = self._words[numbers]
            numbers = numbers[(-scores).argsort(kind="stable")[:_DEPTH]]
        found: list[int] = numbers.tolist()
        return found

    def _distinct(
        self, ordered: Sequence[tuple[int, float]], k: int
    ) -> Iterator[tuple[Passage, float]]:
        seen: set[str] = set()
        for number, score in ordered:
            (passage,) = self._snapshot.passages([number])
            if passage.chunk.text not in seen:
                seen.add(passage.chunk.text)
                yield passage, score
                if len(seen) == k:
                    return


def _highest(scores: NDArray[np.float32], depth: int) -> list[int]:
    """Return the numbers of the highest scores above 0, best first."""
    import numpy as np

    numbers = scores.nonzero()[0]
    if len(numbers) > depth:
        numbers = np.sort(numbers[np.argpartition(-scores[numbers], depth)[:depth]])
    found: list[int] = numbers[(-scores[numbers]).argsort(kind="stable")].tolist()
    return found
