"""Which passages answer a query best: vectors and words, fused; quoted phrases first.

Fusion is reciprocal rank fusion with k = 60 (Cormack, Clarke and Buettcher, SIGIR 2009). Text in
double quotes is also looked for word by word: passages that have it come before those that do not,
and first those of a document or section that is called exactly so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.words import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.chunk import Chunk
    from bottega_plugins.knowledge.snapshot import Entry, Snapshot

FUSION = 60
_DEPTH = 1_000
"""How far down each list is looked at."""
_MOST_PHRASES = 8
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
    """Return the texts in double quotes, as `_plain` makes them."""
    texts = (next(filter(None, match.groups())) for match in _QUOTED.finditer(query))
    return [plain for text in texts if (plain := _plain(text))][:_MOST_PHRASES]


def _ordered(
    snapshot: Snapshot, query: str, vector: NDArray[np.float32], depth: int
) -> list[tuple[int, float]]:
    lists = (snapshot.vectors.nearest(vector, depth), _by_words(snapshot, query, depth))
    scores: dict[int, float] = {}
    for numbers in lists:
        for place, number in enumerate(numbers.tolist(), start=1):
            scores[number] = scores.get(number, 0.0) + 1.0 / (FUSION + place)
    for number, bonus in _quoted(snapshot, query).items():
        scores[number] = scores.get(number, 0.0) + bonus
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _by_words(snapshot: Snapshot, query: str, depth: int) -> NDArray[np.int64]:
    import numpy as np

    scores = snapshot.lexicon.scores(query)
    order = np.argsort(-scores, kind="stable")[:depth]
    return order[scores[order] > 0]


def _quoted(snapshot: Snapshot, query: str) -> dict[int, float]:
    """Return a bonus by passage number; the least is more than any sum of reciprocal ranks."""
    bonus: dict[int, float] = {}
    for phrase in phrases(query):
        for number in _candidates(snapshot, phrase):
            points = _points(phrase, *snapshot.passages[number])
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
    headings = chunk.heading.split(" > ")
    if any(_plain(name) == phrase for name in (entry.title, *headings)):
        return _CALLED_SO
    return _HAS_IT if _has(phrase, (entry.title, chunk.heading, chunk.text)) else 0


def _has(phrase: str, texts: Iterable[str]) -> bool:
    return any(f" {phrase} " in f" {_plain(text)} " for text in texts)


_BETWEEN_WORDS = re.compile(r"[\W_]+")


def _plain(text: str) -> str:
    """Return the words with one space between them, whatever stood between them before."""
    return _BETWEEN_WORDS.sub(" ", fold(text)).strip()


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
