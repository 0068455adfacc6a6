"""Reading an answer out of passages: fields, summaries, comparisons; else sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bottega_plugins.models.embedded.about import is_about, tell_about
from bottega_plugins.models.embedded.comparing import compare
from bottega_plugins.models.embedded.field_reader import Subject, ask_field, subjects_of
from bottega_plugins.models.embedded.fields import record_of
from bottega_plugins.models.embedded.following import follow
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding, Reading
from bottega_plugins.models.embedded.sentence_reader import ask_sentences, nearest_sentence
from bottega_plugins.models.embedded.vectors import Vectors

SURE = 0.3
"""Probability from which a sentence is given as an answer: it is quoted, so a reader can check."""


async def read(
    question: Question, passages: Sequence[Passage], vectors: Vectors, *, short: bool = True
) -> Reading:
    """Answer each of the question's asks from the passages, as far as they tell.

    Where no `short` answers are wanted, but only whether there are any, it is much quicker.
    """
    records = [record for passage in passages if (record := record_of(passage))]
    subjects = subjects_of(question, records)
    findings: list[Finding] = []
    missing: list[Ask] = []
    near: list[Finding] = []
    for ask in question.asks:
        found = await _answers(question, ask, passages, subjects, vectors, short=short)
        sure = [finding for finding in found if finding.probability >= SURE]
        findings += sure
        if not sure:
            missing.append(ask)
            near += found[:1]
    nearest = max(near, key=lambda finding: finding.probability, default=None)
    return Reading(tuple(findings), tuple(missing), nearest)


async def _answers(
    question: Question,
    ask: Ask,
    passages: Sequence[Passage],
    subjects: Sequence[Subject],
    vectors: Vectors,
    *,
    short: bool,
) -> list[Finding]:
    """Return fields, a summary, a comparison, or else the sentence most likely to answer.

    Sentences that lead to the one that answers come after it.
    """
    fields = [await ask_field(question, ask, subject, vectors) for subject in subjects]
    found = [field for field in fields if field is not None]
    found = found or tell_about(question, ask, passages)
    found = found or await compare(question, ask, passages, vectors)
    if found:
        return found
    if not short:
        return await nearest_sentence(question, ask, passages, vectors)
    sentences = await ask_sentences(question, ask, passages, vectors)
    if is_about(ask):  # no few words of it are the answer
        return [replace(sentence, share=0.0) for sentence in sentences[:1]]
    return await follow(ask, sentences[0], passages, vectors) if sentences else []
