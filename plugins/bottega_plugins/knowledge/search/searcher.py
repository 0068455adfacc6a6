"""One search from the query's text to citations."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bottega.embedder import embed_query
from bottega.errors import InputError
from bottega.messages import Citation
from bottega_plugins.knowledge.search.diversity import diversified
from bottega_plugins.knowledge.search.ranking import Ranking
from bottega_plugins.knowledge.search.search import Reranker, Search
from bottega_plugins.knowledge.search.threads import in_thread, shortly
from bottega_plugins.knowledge.words import words

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
_FARTHEST = 1e30
"""What scores are cut to, so that differences of them are numbers."""

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
    how, k = question.how, question.k
    is_narrowed = question.filters or how.exact
    among = await in_thread(_among, snapshot, question) if is_narrowed else None
    if among is not None and not among.any():
        return []
    many = max(k, _CANDIDATES) if how.reranker or how.diversity else k
    ranking = Ranking(snapshot, question.query, how, among)
    vector = await _vector(embedder, question, ranking, many)
    do = in_thread if how.exact else shortly  # a phrase may have to be looked for in thousands
    found = await do(ranking.best, many, vector)
    if how.reranker and found:
        found = await _reranked(how.reranker, question.query, found)
    if how.diversity and found:
        found = await in_thread(_diverse, snapshot, found, k, how.diversity)
    return [citation(passage, score) for passage, score in found[:k]]


async def _vector(
    embedder: Embedder, question: Question, ranking: Ranking, many: int
) -> NDArray[np.float32] | None:
    """Return the query's vector; while it is computed the words are looked up."""
    if question.how.mode == "words":
        return None
    if question.how.mode == "vectors":
        return await embed_query(embedder, question.query)
    embedding = asyncio.create_task(embed_query(embedder, question.query))
    try:
        await asyncio.sleep(0)  # it begins
        await shortly(ranking.look_up, many)
    except BaseException:
        embedding.cancel()
        await asyncio.gather(embedding, return_exceptions=True)
        raise
    return await embedding


async def _reranked(reranker: Reranker, query: str, found: list[_Scored]) -> list[_Scored]:
    """Return the passages in the order that the reranker gives them."""
    texts = [f"{passage.document.title}\n{passage.chunk.text}" for passage, _ in found]
    scores = _finite([float(score) for score in await reranker.rerank(query, texts)])
    if len(scores) != len(texts):
        raise InputError(f"the reranker gave {len(scores)} scores for {len(texts)} texts")
    scored = [(passage, score) for (passage, _), score in zip(found, scores, strict=True)]
    return sorted(scored, key=lambda each: -each[1])  # stable: equals keep their order


def _finite(scores: list[float]) -> list[float]:
    """Return the scores, those that no number compares with being lower than all others."""
    held = [min(max(score, -_FARTHEST), _FARTHEST) for score in scores if math.isfinite(score)]
    lowest = min(held, default=0.0)
    spread = max(1.0, max(held, default=0.0) - lowest)
    kept = iter(held)
    return [next(kept) if math.isfinite(score) else lowest - spread for score in scores]


def _diverse(snapshot: Snapshot, found: list[_Scored], k: int, diversity: float) -> list[_Scored]:
    """Return k of the passages, good ones that are unlike each other."""
    import numpy as np

    vectors = snapshot.rows(np.array([passage.number for passage, _ in found]))
    scores = np.array([score for _, score in found])
    return [found[place] for place in diversified(scores, vectors, k, diversity)]


def _among(snapshot: Snapshot, question: Question) -> NDArray[np.bool_] | None:
    """Return which passages may be found; None for all.

    Of those with a phrase's words the ranking takes the ones that have the phrase.
    """
    import numpy as np

    mask = snapshot.matching(question.filters) if question.filters else None
    for phrase in question.how.exact:
        wanted = words(phrase)
        if not wanted:
            raise InputError(f"the phrase {phrase!r} has no word that is looked up in an index")
        having = np.zeros(snapshot.size, dtype=bool)
        having[snapshot.with_all(wanted)] = True
        mask = having if mask is None else mask & having
    return mask


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
