"""Choosing the sentence that answers, among those of all passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bottega_plugins.models.embedded.fields import prose
from bottega_plugins.models.embedded.kinds import holds
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.support import LONG, Fit, rarity, weighted_coverage
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import covered, terms, words

MOST_EMBEDDED = 40
"""Sentences that are compared by meaning: those with most of the question's words."""


@dataclass(frozen=True)
class _Candidate:
    text: str
    passage: Passage
    terms: frozenset[str]


async def ask_sentences(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Finding]:
    """Return the sentences that may answer the ask, best first.

    An ask among several leans on the others (`..., and for which version?`), so it is read together
    with the whole question.
    """
    wanted = set(question.terms)
    found = [
        _Candidate(text, passage, frozenset(terms(text)))
        for passage in passages
        for text in sentences(prose(passage))
        if not text.endswith("?")
    ]
    weights = rarity(wanted, [candidate.terms for candidate in found])
    found.sort(key=lambda c: -weighted_coverage(weights, c.terms))
    found = found[:MOST_EMBEDDED]
    alike = await vectors.similarity(question.text, [candidate.text for candidate in found])
    scored = [
        (_fit(question, ask, weights, candidate, cosine), candidate)
        for candidate, cosine in zip(found, alike, strict=True)
    ]
    scored.sort(key=lambda pair: -pair[0].rank)
    return [Finding(ask, c.passage, fit.probability, sentence=c.text) for fit, c in scored]


def _fit(
    question: Question, ask: Ask, weights: dict[str, float], candidate: _Candidate, cosine: float
) -> Fit:
    passage = candidate.passage
    there = {*words(passage.heading), *words(passage.text)}
    return Fit(
        similarity=cosine,
        coverage=covered(weights, candidate.terms),
        weighted=weighted_coverage(weights, candidate.terms),
        kind=0.5 if ask.kind == "any" else float(holds(ask.kind, candidate.text)),
        length=min(len(candidate.text), LONG) / LONG,
        passage=covered(weights, passage.terms),
        names=covered(question.names, there),
    )
