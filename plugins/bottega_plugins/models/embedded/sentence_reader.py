"""Choosing the sentence that answers, and the short answer in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bottega_plugins.models.embedded.candidates import Candidate, candidates
from bottega_plugins.models.embedded.confidence import (
    SENTENCE_SIGNS,
    probability,
    short_signs,
    signs,
)
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding
from bottega_plugins.models.embedded.rivals import trust
from bottega_plugins.models.embedded.short.answer import Short, short_answers
from bottega_plugins.models.embedded.short.asked import Asked
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import stem, terms

MOST_JUDGED = 2
"""The same where it is only judged whether a passage helps."""


@dataclass(frozen=True)
class Answer:
    """A sentence with the short answer in it, and the signs that it is one."""

    candidate: Candidate
    short: Short | None
    signs: tuple[float, ...]
    """In the order of `confidence.SIGNS`; without those of a short answer where none was read."""
    share: float = 0.0
    """How clearly the short answer is the likeliest of its sentence, from 0 to 1."""
    trust: float = 1.0
    """What remains of the probability where the passage may tell of another thing."""
    verdict: str = ""
    """`yes` or `no` where that is asked and told; empty else."""
    is_verdict: bool = False
    """Whether yes or no is asked."""

    @property
    def likely(self) -> float:
        """How likely this answers, from 0 to 1."""
        return probability(self.signs) * self.trust


async def ask_sentences(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Finding]:
    """Return the sentences that may answer the ask, best first, with the short answers in them."""
    return [_finding(ask, found) for found in await answers(question, ask, passages, vectors)]


async def nearest_sentence(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Finding]:
    """Return the sentence that fits best, if there is any, and how likely it answers.

    Much cheaper than `ask_sentences`: no short answer is read, and few sentences are embedded.
    """
    return [_finding(ask, found) for found in await nearest(question, ask, passages, vectors)]


async def answers(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Answer]:
    """Return short answers with their sentences, the likeliest first; a sentence where none is."""
    ranked = await candidates(question, ask, passages, vectors)
    read = short_answers(Asked.read(ask.text), ranked)
    shorts: Sequence[Short | None] = read or ([None] if ranked else [])
    found: list[Answer] = []
    for short in shorts:
        alone = _alone(question, ask, ranked[short.sentence if short else 0])
        values = (*alone.signs, *short_signs(short))
        found.append(replace(alone, short=short, share=_share(short, read), signs=values))
    return sorted(found, key=lambda answer: -answer.likely)


def _share(short: Short | None, read: Sequence[Short]) -> float:
    """Return how clearly a short answer is the likeliest, those of other sentences set aside."""
    if short is None:
        return 0.0
    elsewhere = sum(other.share for other in read if other.sentence != short.sentence)
    return short.share / max(short.share, 1 - elsewhere)


async def nearest(
    question: Question, ask: Ask, passages: Sequence[Passage], vectors: Vectors
) -> list[Answer]:
    """Return the sentence that fits best without a short answer; nothing where there is none."""
    ranked = await candidates(question, ask, passages, vectors, MOST_JUDGED)
    return [_alone(question, ask, candidate) for candidate in ranked[:1]]


def _alone(question: Question, ask: Ask, candidate: Candidate) -> Answer:
    """Return a sentence with its own signs."""
    asked = Asked.read(ask.text)
    values = signs(question, asked, candidate)
    is_verdict = asked.sort == "yes"
    verdict = _verdict(ask, candidate, values) if is_verdict else ""
    sure = trust(question, candidate.passage)
    return Answer(candidate, None, values, trust=sure, verdict=verdict, is_verdict=is_verdict)


def _verdict(ask: Ask, candidate: Candidate, values: tuple[float, ...]) -> str:
    """Say yes where all that is asked is said, no where one side turns it round; else nothing.

    `Was she born in Oslo?` is not answered by `She was born in Trondheim`: that is quoted alone.
    """
    told = dict(zip(SENTENCE_SIGNS, values, strict=True))
    there = frozenset(terms(candidate.meant)) | frozenset(map(stem, candidate.passage.place))
    if told["sentence_names"] < 1 or told["numbers"] < 1 or not there.issuperset(ask.terms):
        return ""
    return "no" if bool(told["negated"]) != bool(told["opposite"]) else "yes"


def _finding(ask: Ask, found: Answer) -> Finding:
    passage, sentence, short = found.candidate.passage, found.candidate.text, found.short
    likely = found.likely
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
        share=found.share,
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
