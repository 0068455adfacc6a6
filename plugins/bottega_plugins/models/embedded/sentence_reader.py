"""Choosing the sentence that answers, among those of all passages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bottega_plugins.models.embedded.bridges import bridges
from bottega_plugins.models.embedded.confidence import SIGNS, probability, signs
from bottega_plugins.models.embedded.fields import prose
from bottega_plugins.models.embedded.grounding import spelled
from bottega_plugins.models.embedded.kinds import holds
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.short.answer import Short, short_answers
from bottega_plugins.models.embedded.short.asked import Asked
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
    passage: Passage
    fit: Fit


@dataclass(frozen=True)
class Answer:
    """A sentence with the short answer in it, and the signs that it is one."""

    candidate: Candidate
    short: Short | None
    signs: tuple[float, ...]
    """In the order of `confidence.SIGNS`."""
    verdict: str = ""
    """`yes` or `no` where that is asked and told; empty else."""
    is_verdict: bool = False
    """Whether yes or no is asked."""


async def ask_sentences(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Finding]:
    """Return the sentences that may answer the ask, best first, with the short answers in them."""
    return [_finding(ask, found) for found in await answers(question, ask, passages, vectors)]


async def answers(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Answer]:
    """Return the likeliest short answers with their sentences; a sentence alone where none is."""
    ranked = await candidates(question, ask, passages, vectors)
    asked = Asked.read(ask.text)
    shorts: Sequence[Short | None] = short_answers(asked, ranked) or ([None] if ranked else [])
    found: list[Answer] = []
    for short in shorts:
        candidate = ranked[short.sentence if short else 0]
        values = signs(question, asked, candidate, short)
        is_verdict = asked.sort == "yes"
        verdict = _verdict(ask, candidate, values) if is_verdict else ""
        found.append(Answer(candidate, short, values, verdict, is_verdict))
    return found


def _verdict(ask: Ask, candidate: Candidate, values: tuple[float, ...]) -> str:
    """Say yes where all that is asked is said, no where one side turns it round; else nothing.

    `Was she born in Oslo?` is not answered by `She was born in Trondheim`: that is quoted alone.
    """
    told = dict(zip(SIGNS, values, strict=True))
    there = frozenset(terms(candidate.text)) | frozenset(map(stem, candidate.passage.place))
    if told["sentence_names"] < 1 or told["numbers"] < 1 or not there.issuperset(ask.terms):
        return ""
    return "no" if bool(told["negated"]) != bool(told["opposite"]) else "yes"


def _finding(ask: Ask, found: Answer) -> Finding:
    passage, sentence, short = found.candidate.passage, found.candidate.text, found.short
    likely = probability(found.signs)
    if found.verdict:
        return Finding(ask, passage, likely, sentence=sentence, short=found.verdict, share=1.0)
    if short is None or found.is_verdict:
        return Finding(ask, passage, likely, sentence=sentence)
    start, end = place_of(short.text, sentence, passage.text)
    return Finding(
        ask,
        passage,
        likely,
        sentence=sentence,
        short=short.text,
        share=short.share,
        start=start,
        end=end,
    )


def place_of(short: str, sentence: str, text: str) -> tuple[int, int]:
    """Return where a short answer stands in the text that its sentence was read from.

    Both are 0 where it is not found: a sentence is shown on one line, without hidden characters.
    """
    around = _flexible(sentence).search(text)
    inside = _flexible(short).search(text, *(around.span() if around else (0,)))
    return inside.span() if inside else (0, 0)


def _flexible(words: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(map(re.escape, words.split())))


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
    led = bridges(question, passages)
    scored: list[Candidate] = []
    for (text, there, passage), cosine in zip(found, alike, strict=True):
        fit = _fit(question, ask, weights, (text, there, passage), cosine)
        leading = led.get(passage.key, frozenset[str]())
        scored.append(Candidate(text, passage, _bridged(fit, weights, there, leading)))
    return sorted(scored, key=lambda candidate: -candidate.fit.rank)


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
    sentence: tuple[str, frozenset[str], Passage],
    cosine: float,
) -> Fit:
    text, there, passage = sentence
    named = passage.place | frozenset(words(passage.text))
    total = sum(weights.values()) or 1.0

    def rarest(present: frozenset[str]) -> float:
        return max((w for term, w in weights.items() if term not in present), default=0.0) / total

    return Fit(
        similarity=cosine,
        coverage=covered(weights, there),
        weighted=weighted_coverage(weights, there),
        kind=0.5 if ask.kind == "any" else float(holds(ask.kind, text)),
        length=min(len(text), LONG) / LONG,
        passage=covered(weights, passage.terms),
        names=covered(question.names, named),
        numbers={name for name in question.names if name[0].isdigit()} <= spelled(named),
        missing=rarest(passage.terms),
        missing_here=rarest(there),
    )
