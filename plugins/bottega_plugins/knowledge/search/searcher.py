"""One search from the query's text to citations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bottega.embedder import embed_query
from bottega.errors import InputError
from bottega.messages import Citation
from bottega_plugins.knowledge.search.diversity import diversified
from bottega_plugins.knowledge.search.ranking import Ranking
from bottega_plugins.knowledge.search.search import Reranker, Search
from bottega_plugins.knowledge.words import contains, plain_words, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega.embedder import Embedder
    from bottega_plugins.knowledge.index.filters import Filters
    from bottega_plugins.knowledge.index.record import Passage
    from bottega_plugins.knowledge.index.snapshot import Snapshot

LONGEST_QUERY = 10_000
_CANDIDATES = 50
"""Candidates that a reranker reads, or among which different ones are chosen."""


_Scored = tuple["Passage", float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is searched for."""

    query: str
    k: int
    filters: Filters | None
    how: Search


def checked(question: Question) -> Question:
    """Return the question, its query cut to a length. Raises InputError for what is none."""
    asked: Any = question.query
    if not isinstance(asked, str):
        raise InputError(f"the query must be a text, not {type(asked).__name__}")
    k: Any = question.k
    if not isinstance(k, int) or isinstance(k, bool):
        raise InputError(f"k must be a whole number, not {k!r:.80}")
    if k < 1:
        raise InputError(f"k is {k}: at least 1 passage must be asked for")
    how: Any = question.how
    if not isinstance(how, Search):
        raise InputError(f"search must be a Search, not {type(how).__name__}")
    query = asked.strip()[:LONGEST_QUERY]
    if not query:
        raise InputError("the query is empty", hint="say what to look for")
    return Question(query=query, k=question.k, filters=question.filters, how=question.how)


async def answer(snapshot: Snapshot, embedder: Embedder, question: Question) -> list[Citation]:
    """Return the best passages. Raises InputError for filters that are none, and StorageError."""
    if snapshot.is_empty:
        return []
    vector = await embed_query(embedder, question.query)
    how, k = question.how, question.k
    many = max(k, _CANDIDATES) if how.reranker or how.diversity else k
    found = await asyncio.to_thread(_found, snapshot, question, vector, many)
    if how.reranker and found:
        found = await _reranked(how.reranker, question.query, found)
    if how.diversity and found:
        found = await asyncio.to_thread(_diverse, snapshot, found, k, how.diversity)
    return [citation(passage, score) for passage, score in found[:k]]


def _found(
    snapshot: Snapshot, question: Question, vector: NDArray[np.float32], k: int
) -> list[_Scored]:
    among = _among(snapshot, question)
    if among is not None and not among.any():
        return []
    return Ranking(snapshot, question.query, vector, question.how, among).best(k)


async def _reranked(reranker: Reranker, query: str, found: list[_Scored]) -> list[_Scored]:
    """Return the passages in the order that the reranker gives them."""
    texts = [f"{passage.document.title}\n{passage.chunk.text}" for passage, _ in found]
    scores = await reranker.rerank(query, texts)
    passages = [passage for passage, _ in found]
    scored = [(p, float(score)) for p, score in zip(passages, scores, strict=True)]
    return sorted(scored, key=lambda each: -each[1])  # stable: equals keep their order


def _diverse(snapshot: Snapshot, found: list[_Scored], k: int, diversity: float) -> list[_Scored]:
    """Return k of the passages, good ones that are unlike each other."""
    import numpy as np

    vectors = snapshot.rows(np.array([passage.number for passage, _ in found]))
    scores = np.array([score for _, score in found], dtype=np.float32)
    return [found[place] for place in diversified(scores, vectors, k, diversity)]


def _among(snapshot: Snapshot, question: Question) -> NDArray[np.bool_] | None:
    """Return which passages may be found; None for all."""
    import numpy as np

    mask = snapshot.matching(question.filters) if question.filters else None
    for phrase in question.how.exact:
        having = np.zeros(snapshot.size, dtype=bool)
        having[_having(snapshot, phrase, mask)] = True
        mask = having
    return mask


def _having(snapshot: Snapshot, phrase: str, among: NDArray[np.bool_] | None) -> list[int]:
    """Return the passages that have a phrase word for word, case and marks aside."""
    plain, wanted = plain_words(phrase), words(phrase)
    if not wanted:
        raise InputError(f"the phrase {phrase!r} has no word that is looked up in an index")
    numbers = snapshot.with_all(wanted)
    if among is not None:
        numbers = numbers[among[numbers]]
    return [
        passage.number
        for passage in snapshot.passages(numbers.tolist())
        if any(contains(text, plain) for text in _texts(passage))
    ]


def _texts(passage: Passage) -> tuple[str, ...]:
    headings = passage.chunk.heading.split(" > ")
    return (passage.document.title, *headings, passage.chunk.text)


def citation(passage: Passage, score: float) -> Citation:
    """Return a passage as an answer can point at it."""
    document, chunk = passage.document, passage.chunk
    told = {"title": document.title, "format": document.format}
    return Citation(
        key=chunk.key,
        source=document.source,
        start=chunk.start,
        end=chunk.end,
        line=chunk.line,
        end_line=chunk.end_line,
        heading=" > ".join(part for part in (document.title, chunk.heading) if part),
        quote=chunk.text,
        score=score,
        page=chunk.page,
        metadata={**document.metadata, **chunk.metadata, **told},
    )
