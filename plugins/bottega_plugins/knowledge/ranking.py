"""Which passages answer a query best: vectors, words and titles, fused; quoted phrases first.

Three lists are fused: nearest vectors, best words, and passages of documents that the query names.
Fusion is reciprocal rank fusion with k = 60 (Cormack, Clarke and Buettcher, SIGIR 2009). Text in
double quotes is also looked for word by word: passages that have it come before those that do not,
and first those of a document or section that is called exactly so, led by the document's beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.snapshot import LONGEST_TITLE
from bottega_plugins.knowledge.words import contains, plain_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.documents.chunk import Chunk
    from bottega_plugins.knowledge.snapshot import Entry, Snapshot

FUSION = 60
_DEPTH = 1_000
"""How far down each list is looked at."""
_MOST_PHRASES = 8
_MOST_WORDS = 100
_QUOTED = re.compile(
    r'"([^"]{2,300})"|\u201c([^\u201d]{2,300})\u201d|\u00ab([^\u00bb]{2,300})\u00bb'
)
_CALLED_SO = 2
_HAS_IT = 1


def rank(
    snapshot: Snapshot, query: str, vector: NDArray[np.float32], k: int
) -> list[tuple[int, float]]:
    """Return at most k passages by number with their scores, best first, no text twice."""
    depth = max(_DEPTH, 4 * k)
    total = len(snapshot.passages)
    while True:
        found = list(_distinct(snapshot, _ordered(snapshot, query, vector, depth), k))
        if len(found) == k or depth >= total:
            return found
        depth *= 8  # a thousand copies of one text have filled the lists


def phrases(query: str) -> list[str]:
    """Return the texts in double quotes, and the one between the first quote and the last."""
    texts = [next(filter(None, match.groups())) for match in _QUOTED.finditer(query)]
    first, last = query.find('"'), query.rfind('"')
    if last > first >= 0:
        texts.append(query[first + 1 : last])  # a quoted title may have quotes of its own
    return [text for text in dict.fromkeys(texts) if plain_words(text)][:_MOST_PHRASES]


def _ordered(
    snapshot: Snapshot, query: str, vector: NDArray[np.float32], depth: int
) -> list[tuple[int, float]]:
    words = snapshot.lexicon.scores(query)
    lists = (
        snapshot.vectors.nearest(vector, depth).tolist(),
        _by_words(words, depth),
        _by_title(snapshot, query, words),
    )
    scores: dict[int, float] = {}
    for numbers in lists:
        for place, number in enumerate(numbers, start=1):
            scores[number] = scores.get(number, 0.0) + 1.0 / (FUSION + place)
    for number, bonus in _quoted(snapshot, query).items():
        scores[number] = scores.get(number, 0.0) + bonus
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _by_words(scores: NDArray[np.float32], depth: int) -> list[int]:
    order = (-scores).argsort(kind="stable")[:depth]
    found: list[int] = order[scores[order] > 0].tolist()
    return found


def _by_title(snapshot: Snapshot, query: str, scores: NDArray[np.float32]) -> list[int]:
    """Return the passages of documents whose whole title stands in the query, best first.

    The first of all is a document's first passage, for that says what the document is. A title of
    one word is no name: it is as likely a word like any other.
    """
    words = plain_words(query).split()[:_MOST_WORDS]
    found: list[tuple[bool, float, int]] = []
    for start, stop in combinations(range(len(words) + 1), 2):
        if not 2 <= stop - start <= LONGEST_TITLE:
            continue
        title = " ".join(words[start:stop])
        for number in snapshot.titles.get(title, ()):
            entry, chunk = snapshot.passages[number]
            found.append((chunk is not entry.chunks[0], -float(scores[number]), number))
    return [number for _, _, number in sorted(found)[:_DEPTH]]


def _quoted(snapshot: Snapshot, query: str) -> dict[int, float]:
    """Return a bonus by passage number; the least is more than any sum of reciprocal ranks."""
    bonus: dict[int, float] = {}
    for phrase in phrases(query):
        for number in _candidates(snapshot, phrase):
            points = _points(plain_words(phrase), *snapshot.passages[number])
            if points:
                bonus[number] = bonus.get(number, 0.0) + points
    return bonus


def _candidates(snapshot: Snapshot, phrase: str) -> list[int]:
    """Return the passages with all words of the phrase, the best first where there are many."""
    numbers = snapshot.lexicon.with_all(phrase)
    if len(numbers) > _DEPTH:
        scores = snapshot.lexicon.scores(phrase)[numbers]
        numbers = numbers[(-scores).argsort(kind="stable")[:_DEPTH]]
    found: list[int] = numbers.tolist()
    return found


def _points(phrase: str, entry: Entry, chunk: Chunk) -> int:
    """Return how much a passage has to do with a phrase."""
    if plain_words(entry.title) == phrase:
        return _CALLED_SO + (chunk is entry.chunks[0])
    headings = chunk.heading.split(" > ")
    if any(plain_words(heading) == phrase for heading in headings):
        return _CALLED_SO
    return _HAS_IT if any(contains(t, phrase) for t in (entry.title, *headings, chunk.text)) else 0


def _distinct(
    snapshot: Snapshot, ordered: Sequence[tuple[int, float]], k: int
) -> Iterator[tuple[int, float]]:
    seen: set[str] = set()
    for number, score in ordered:
        text = snapshot.passages[number][1].text
        if text not in seen:
            seen.add(text)
            yield number, score
            if len(seen) == k:
                return
