"""Reading an answer out of passages: fields first, sentences where no field answers."""

from __future__ import annotations

from collections.abc import Sequence

from bottega_plugins.models.embedded.field_reader import Subject, ask_field, subject_of
from bottega_plugins.models.embedded.fields import record_of
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding, Reading
from bottega_plugins.models.embedded.sentence_reader import ask_sentences
from bottega_plugins.models.embedded.vectors import Vectors

SURE = 0.4
"""Probability from which a sentence is given as an answer."""


async def read(question: Question, passages: Sequence[Passage], vectors: Vectors) -> Reading:
    """Answer each of the question's asks from the passages, as far as they tell."""
    records = [record for passage in passages if (record := record_of(passage))]
    subject = subject_of(question, records)
    findings: list[Finding] = []
    missing: list[Ask] = []
    nearest: Finding | None = None
    for ask in question.asks:
        found = await _answer(question, ask, passages, subject, vectors)
        if found and found.probability >= SURE:
            findings.append(found)
        else:
            missing.append(ask)
            nearest = max(
                (f for f in (nearest, found) if f), key=lambda f: f.probability, default=None
            )
    return Reading(tuple(findings), tuple(missing), nearest)


async def _answer(
    question: Question,
    ask: Ask,
    passages: Sequence[Passage],
    subject: Subject | None,
    vectors: Vectors,
) -> Finding | None:
    if subject is not None:
        found = await ask_field(question, ask, subject, vectors)
        if found is not None:
            return found
    ranked = await ask_sentences(question, ask, passages, vectors)
    return ranked[0] if ranked else None
