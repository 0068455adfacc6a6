"""Choosing the sentence that answers, among those of all passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bottega_plugins.models.embedded.fields import prose
from bottega_plugins.models.embedded.grounding import spelled
from bottega_plugins.models.embedded.kinds import holds
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.support import LONG, Fit, rarity, weighted_coverage
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import covered, stem, terms, words

MOST_EMBEDDED = 40
"""Sentences that are compared by meaning: those with most of the question's words."""


@dataclass(frozen=True)
class Candidate:
    """A sentence that may answer, and how it fits."""

    text: str
    passage: Passage
    fit: Fit


async def ask_sentences(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Finding]:
    """Return the sentences that may answer the ask, best first."""
    ranked = await candidates(question, ask, passages, vectors)
    return [Finding(ask, c.passage, c.fit.probability, sentence=c.text) for c in ranked]


async def candidates(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Candidate]:
    """Return sentences with how they fit the ask, best first.

    An ask among several leans on the others (`..., and for which version?`), so it is read together
    with the whole question. What the document is called need not be said in each of its sentences.
    """
    found = [
        (text, frozenset(terms(text)) | frozenset(map(stem, passage.place)), passage)
        for passage in passages
        for text in sentences(prose(passage))
        if not text.endswith("?")
    ]
    weights = rarity(set(question.terms), [there for _, there, _ in found])
    found.sort(key=lambda item: -weighted_coverage(weights, item[1]))
    found = found[:MOST_EMBEDDED]
    alike = await vectors.similarity(question.text, [text for text, _, _ in found])
    scored = [
        Candidate(text, passage, _fit(question, ask, weights, (text, there, passage), cosine))
        for (text, there, passage), cosine in zip(found, alike, strict=True)
    ]
    return sorted(scored, key=lambda candidate: -candidate.fit.rank)


def _fit(
    question: Question,
    ask: Ask,
    weights: dict[str, float],
    sentence: tuple[str, frozenset[str], Passage],
    cosine: float,
) -> Fit:
    text, there, passage = sentence
    named = passage.place | frozenset(words(passage.text))
    return Fit(
        similarity=cosine,
        coverage=covered(weights, there),
        weighted=weighted_coverage(weights, there),
        kind=0.5 if ask.kind == "any" else float(holds(ask.kind, text)),
        length=min(len(text), LONG) / LONG,
        passage=covered(weights, passage.terms),
        names=covered(question.names, named),
        numbers={name for name in question.names if name[0].isdigit()} <= spelled(named),
    )
