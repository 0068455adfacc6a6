"""Reading short answers out of the sentences that fit a question best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bottega_plugins.models.embedded.short.asked import Asked
from bottega_plugins.models.embedded.short.ranker import table
from bottega_plugins.models.embedded.short.spans import Spans, Told, spans_of
from bottega_plugins.models.embedded.short.tokens import tokenise
from bottega_plugins.models.embedded.support import rarity
from bottega_plugins.models.embedded.words import stem, terms, words

if TYPE_CHECKING:
    from bottega_plugins.models.embedded.candidates import Candidate

MOST_SENTENCES = 6
"""Sentences that are read for short answers, the best ones."""
_KEPT = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Short:
    """A few words that may be the answer."""

    text: str
    sentence: int
    """Place of its sentence among those that were read, best first."""
    start: int
    end: int
    """Characters in the sentence."""
    score: float
    """Of the ranker; comparable between questions, but no probability."""
    share: float
    """Share of all that could be the answer, from 0 to 1, the same words elsewhere included."""


def short_answers(asked: Asked, ranked: Sequence[Candidate]) -> list[Short]:
    """Return the likeliest short answers among the sentences, best first; at most five."""
    import numpy as np

    spans = spans_in(asked, ranked)
    if not any(len(found.first) for found in spans):
        return []
    scores = np.concatenate([table().scores(found) for found in spans])
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    places = [(i, j) for i, found in enumerate(spans) for j in range(len(found.first))]
    order = np.argsort(-scores, kind="stable")[: 4 * _KEPT]
    best: dict[str, Short] = {}
    for at in map(int, order):
        i, j = places[at]
        text = spans[i].text(j)
        key, share = " ".join(words(text)) or text, float(shares[at])
        known = best.get(key)
        start, end = spans[i].bounds(j)
        best[key] = Short(
            text=known.text if known else text,
            sentence=known.sentence if known else i,
            start=known.start if known else start,
            end=known.end if known else end,
            score=known.score if known else float(scores[at]),
            share=share + (known.share if known else 0.0),
        )
    return sorted(best.values(), key=lambda short: -short.share)[:_KEPT]


def spans_in(asked: Asked, ranked: Sequence[Candidate]) -> list[Spans]:
    """Return the spans of the best sentences, in the sentences' order."""
    weights = rarity(set(asked.terms), [frozenset(terms(c.text)) for c in ranked])
    best = max((c.fit.rank for c in ranked), default=0.0)
    return [
        spans_of(
            tokenise(candidate.text),
            asked,
            Told(
                weights=weights,
                similarity=candidate.fit.similarity,
                coverage=candidate.fit.weighted,
                behind=best - candidate.fit.rank,
                place=place,
                heading=frozenset(map(stem, candidate.passage.place)),
            ),
        )
        for place, candidate in enumerate(ranked[:MOST_SENTENCES])
    ]
