"""Which passages answer a query best: vectors, words and titles, fused; quoted phrases first.

Three lists are fused by reciprocal rank: nearest vectors, best words, and passages of documents
that the query names. The best of that are then scored by how far words and vectors agree on them.
Text in double quotes is also looked for word by word: passages that have it come before those that
do not, and first those of a document or section that is called exactly so, led by the document's
beginning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import combinations, islice
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.search import phrases
from bottega_plugins.knowledge.search.agreement import CANDIDATES, rescored
from bottega_plugins.knowledge.search.fusion import K, reciprocal_rank
from bottega_plugins.knowledge.search.search import Search
from bottega_plugins.knowledge.words import plain_words, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.record import Passage
    from bottega_plugins.knowledge.index.snapshot import Snapshot

LONGEST_TITLE = 20
"""Words of a title that a query is searched for."""
MOST_READ = 20_000
"""Passages that are read to find those with the exact phrases: a few seconds."""
_DEPTH = 200
"""How far down each list is looked at."""
_BLOCK = 64
_NAMED = 0.5 * (K + 1)
"""So that the first passage of a document that the query names gets half a standard deviation."""
_MOST_NAMED = 1_000
_MOST_WORDS = 100

_Scored = tuple["NDArray[np.int64]", "NDArray[np.float64]"]
"""Numbers of passages and their scores, in any order."""


class Ranking:
    """The order of an index's passages for one query."""

    def __init__(
        self,
        snapshot: Snapshot,
        query: str,
        how: Search,
        among: NDArray[np.bool_] | None,
    ) -> None:
        self._snapshot = snapshot
        self._query = query
        self._vector: NDArray[np.float32]
        self._how = how
        self._among = among
        self._by_depth: dict[int, list[int]] = {}
        """The best by words, by how far down is looked."""
        self._having: dict[int, bool] = {}
        """Of passages that were read, whether they have the exact phrases."""

    def look_up(self, k: int) -> None:
        """Find by words and titles what `best` will ask for: this needs no vector."""
        self._best_words(_depth(k))
        _ = self._named

    def best(self, k: int, vector: NDArray[np.float32] | None) -> list[tuple[Passage, float]]:
        """Return at most k passages with their scores, best first, no text twice.

        `vector` is the query's, shape (dimension,); None to find by words alone.
        """
        if vector is not None:
            self._vector = vector
        depth = _depth(k)
        while True:
            found = list(self._distinct(self._ordered(depth, k), k))
            if len(found) == k or depth >= self._most or len(self._having) >= MOST_READ:
                return found
            depth *= 8  # copies of one text, or what lacks a phrase, have filled the lists

    @cached_property
    def _most(self) -> int:
        return self._snapshot.size if self._among is None else int(self._among.sum())

    def _ordered(self, depth: int, k: int) -> Iterator[tuple[int, float]]:
        if self._how.mode == "vectors":
            nearest = self._snapshot.nearest(self._vector, depth, self._among)
            return self._snapshot.ordered(*nearest, k)
        found = self._by_words(depth) if self._how.mode == "words" else self._fused(depth)
        return self._snapshot.ordered(*self._with_quoted(*found), k)

    def _by_words(self, depth: int) -> _Scored:
        numbers = _highest(self._words, depth)
        return numbers, self._words[numbers].astype(float)

    def _fused(self, depth: int) -> _Scored:
        """Return what vectors, words and titles find together, scored from 0 to 1."""
        import numpy as np

        nearest, _ = self._snapshot.nearest(self._vector, depth, self._among)
        named = self._named
        fused = reciprocal_rank([nearest.tolist(), self._best_words(depth), named])
        numbers = np.array([number for number, _ in fused], dtype=np.int64)
        chosen, rest = numbers[:CANDIDATES], np.array([s for _, s in fused[CANDIDATES:]])
        places = {number: place for place, number in enumerate(named, start=1)}
        bonus = [_NAMED / (K + places[n]) if n in places else 0.0 for n in chosen.tolist()]
        rows = self._snapshot.rows(chosen)
        bonuses = np.array(bonus, dtype=np.float32)
        scores = rescored(self._words[chosen], rows, self._vector, bonuses)
        if len(rest):  # only seen when very many are asked for: behind the others, in their order
            scores = np.concatenate([scores, scores.min() * rest / fused[0][1]])
        return numbers, scores

    def _best_words(self, depth: int) -> list[int]:
        if depth not in self._by_depth:
            ordered = self._snapshot.ordered(*self._by_words(depth), depth)
            self._by_depth[depth] = [number for number, _ in islice(ordered, depth)]
        return self._by_depth[depth]

    @cached_property
    def _words(self) -> NDArray[np.float32]:
        """The score of each passage by words alone; 0 for those that may not be found."""
        scores = self._snapshot.word_scores(Counter(words(self._query)))
        return scores if self._among is None else scores * self._among

    @cached_property
    def _named(self) -> list[int]:
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
            for number in range(first, min(stop, first + _MOST_NAMED))
            if self._among is None or self._among[number]
        ]
        return [number for _, _, number in sorted(found)[:_DEPTH]]

    def _with_quoted(self, numbers: NDArray[np.int64], scores: NDArray[np.float64]) -> _Scored:
        """Put passages that have quoted phrases before all others."""
        import numpy as np

        bonus = self._quoted()
        if not bonus:
            return numbers, scores
        known = set(numbers.tolist())
        added = np.array([number for number in bonus if number not in known], dtype=np.int64)
        numbers = np.concatenate([numbers, added])
        scores = np.concatenate([scores, np.zeros(len(added))])
        step = max(1.0, float(scores.max()))
        return numbers, scores + [step * bonus.get(number, 0.0) for number in numbers.tolist()]

    def _quoted(self) -> dict[int, float]:
        """Return points by passage number for the phrases that it has."""
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
        self, ordered: Iterator[tuple[int, float]], k: int
    ) -> Iterator[tuple[Passage, float]]:
        seen: set[str] = set()
        for passage, score in self._read(ordered, k):
            if passage.chunk.text not in seen and self._has_phrases(passage):
                seen.add(passage.chunk.text)
                yield passage, score
                if len(seen) == k:
                    return

    def _read(
        self, ordered: Iterator[tuple[int, float]], many: int
    ) -> Iterator[tuple[Passage, float]]:
        """Yield the passages that may have the exact phrases, so many being read at once."""
        while piece := list(islice(ordered, many)):
            scores = {number: score for number, score in piece if self._may_have(number)}
            passages = self._snapshot.passages([*scores])
            yield from zip(passages, scores.values(), strict=True)

    def _may_have(self, number: int) -> bool:
        """Say whether a passage has the exact phrases, or may still be read to find out."""
        return self._having.get(number, not self._how.exact or len(self._having) < MOST_READ)

    def _has_phrases(self, passage: Passage) -> bool:
        if self._how.exact and passage.number not in self._having:
            has = all(phrases.has(phrase, passage) for phrase in self._how.exact)
            self._having[passage.number] = has
        return self._having.get(passage.number, True)


def _depth(k: int) -> int:
    """Return how far down the lists are looked at first, for k passages."""
    return max(_DEPTH, 2 * k)


def _highest(scores: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
    """Return the numbers of the `depth` highest scores above 0, and of some that are lower.

    The highest of each block gives a bound that `depth` scores reach, without sorting them all.
    """
    import numpy as np

    whole = len(scores) // _BLOCK * _BLOCK
    bound = np.float32(0)
    if whole > depth * _BLOCK:
        tops = scores[:whole].reshape(-1, _BLOCK).max(axis=1)
        bound = np.partition(tops, -depth)[-depth]
    numbers = (scores >= bound).nonzero()[0] if bound > 0 else scores.nonzero()[0]
    if len(numbers) > 2 * depth:  # equals of the last one are kept: which of them stays is not said
        found = scores[numbers]
        least = np.partition(found, -depth)[-depth]
        numbers = numbers[found >= least][: 2 * depth]
    return numbers
