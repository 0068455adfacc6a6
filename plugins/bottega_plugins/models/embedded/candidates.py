"""The sentences of all passages, in the order in which they fit a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bottega_plugins.models.embedded.bridges import bridges
from bottega_plugins.models.embedded.fields import prose
from bottega_plugins.models.embedded.grounding import spelled
from bottega_plugins.models.embedded.kinds import holds
from bottega_plugins.models.embedded.order import swapped
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.referents import meant
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.support import LONG, Fit, rarity, weighted_coverage
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import covered, stem, terms, words

LED = 0.5
"""Share in which the words of a sentence that leads to a passage count for its own sentences."""
MOST_EMBEDDED = 20
"""Sentences that are compared by meaning: those with most of the question's words."""


@dataclass(frozen=True)
class Candidate:
    """A sentence that may answer, and how it fits."""

    text: str
    """As it stands in the passage, on one line."""
    meant: str
    """The same with the name that its pronoun stands for, where it has one that is asked about."""
    passage: Passage
    fit: Fit


async def candidates(
    question: Question,
    ask: Ask,
    passages: Sequence[Passage],
    vectors: Vectors,
    most: int = MOST_EMBEDDED,
) -> list[Candidate]:
    """Return sentences with how they fit the ask, best first.

    An ask among several leans on the others (`..., and for which version?`), so it is read together
    with the whole question. What the document is called need not be said in each of its sentences.
    What tells of the same deed with doer and target the other way round is left out.
    """
    found = [
        _Line(text, said, passage, frozenset(terms(said)) | frozenset(map(stem, passage.place)))
        for passage in passages
        for text, said in _lines(question, ask, passage)
    ]
    weights = rarity(set(question.terms), [line.there for line in found])
    found.sort(key=lambda line: -weighted_coverage(weights, line.there))
    found = found[:most]
    alike = await vectors.similarity(question.text, [line.meant for line in found])
    led = bridges(question, passages)
    scored: list[Candidate] = []
    for line, cosine in zip(found, alike, strict=True):
        fit = _fit(question, ask, weights, line, cosine)
        leading = led.get(line.passage.key, frozenset[str]())
        fit = _bridged(fit, weights, line.there, leading)
        scored.append(Candidate(line.text, line.meant, line.passage, fit))
    return sorted(scored, key=lambda candidate: -candidate.fit.rank)


@dataclass(frozen=True)
class _Line:
    """A sentence before it is compared."""

    text: str
    meant: str
    passage: Passage
    there: frozenset[str]
    """Stems of its words and of what its document is called."""


def _lines(question: Question, ask: Ask, passage: Passage) -> list[tuple[str, str]]:
    """Return the sentences that may answer, each as it stands and as it is meant."""
    texts = sentences(prose(passage))
    headings = passage.heading.split(" > ")[::-1]
    said = meant(texts, headings, frozenset(question.terms))
    return [
        (text, full)
        for text, full in zip(texts, said, strict=True)
        if not text.endswith("?") and not swapped(ask.text, full)
    ]


def _bridged(
    fit: Fit, weights: dict[str, float], there: frozenset[str], led: frozenset[str]
) -> Fit:
    """Let what leads to a passage count for its sentences, in part."""
    if led <= there:
        return fit
    more = weighted_coverage(weights, there | led) - fit.weighted
    return replace(fit, weighted=fit.weighted + LED * more)


def _fit(
    question: Question,
    ask: Ask,
    weights: dict[str, float],
    line: _Line,
    cosine: float,
) -> Fit:
    there, passage = line.there, line.passage
    named = passage.place | frozenset(words(passage.text))
    total = sum(weights.values()) or 1.0

    def rarest(present: frozenset[str]) -> float:
        return max((w for term, w in weights.items() if term not in present), default=0.0) / total

    return Fit(
        similarity=cosine,
        coverage=covered(weights, there),
        weighted=weighted_coverage(weights, there),
        kind=0.5 if ask.kind == "any" else float(holds(ask.kind, line.text)),
        length=min(len(line.text), LONG) / LONG,
        passage=covered(weights, passage.terms),
        names=covered(question.names, named),
        numbers={name for name in question.names if name[0].isdigit()} <= spelled(named),
        missing=rarest(passage.terms),
        missing_here=rarest(there),
    )
