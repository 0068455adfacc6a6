"""Choosing the record that a question is about, and the field that it asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bottega_plugins.models.embedded.fields import Field, Record, key_terms
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reading import Finding
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import covered, fold, stem, terms, words

ABOUT = 0.7
"""From here on a record is what the question is about."""
MOST_SUBJECTS = 3
_KEY_FITS = 0.3
"""Cosine of an ask and a key from which the two may mean the same, where the value's kind fits."""
_NUMBERED = {"number", "no", "id", "identifier", "code"}


@dataclass(frozen=True)
class Subject:
    """A record, and how sure it is that the question is about it."""

    record: Record
    score: float


def subjects_of(question: Question, records: Sequence[Record]) -> list[Subject]:
    """Return the record that the question is about; several where it names several alike."""
    scored = [Subject(record, about(question, record)) for record in records]
    exact = {s.record.label: s for s in reversed(scored) if s.score >= 1}
    if exact:
        return list(reversed(exact.values()))[:MOST_SUBJECTS]
    best = max(scored, key=lambda subject: subject.score, default=None)
    return [best] if best and best.score >= ABOUT else []


def about(question: Question, record: Record) -> float:
    """Say how well a record fits what the question says about its subject, from 0 to 1."""
    named = record.named_in(question.bare)
    if named is not None:
        return 1.0 if named else 0.0
    if question.quoted:
        return max(_names(quoted, record) for quoted in question.quoted)
    keys = {term for field in record.fields for term in key_terms(field.key)}
    topic = {term for term in question.terms if term not in keys}
    title = set(terms(record.title))
    if not topic or not title:
        return 0.0
    return (covered(title, topic) + covered(topic, title)) / 2


def _names(quoted: str, record: Record) -> float:
    """Say how well a quoted name fits one of the record's values."""
    wanted = words(quoted)
    best = 0.0
    for field in record.fields:
        value = words(field.value)
        if value == wanted:
            return 1.0
        inside = f" {' '.join(wanted)} " in f" {' '.join(value)} "
        best = max(best, 0.8 if inside else 0.0)
    return best


async def ask_field(
    question: Question, ask: Ask, subject: Subject, vectors: Vectors
) -> Finding | None:
    """Return the field that the ask is for; None where no field fits well enough."""
    record, identity = subject.record, subject.record.identity
    if identity and _asks_identity(ask, identity):
        return _finding(ask, subject, identity)
    fields = [
        field for field in record.fields if field is not identity and field.value != record.title
    ]
    known = set(key_terms(identity.key)) if identity else set[str]()
    keys = [_without(field.shown_key, known) for field in fields]
    asked = _without(ask.bare, known | set(terms(record.title)))
    alike = await vectors.similarity(asked, keys)
    scored = [
        (score, -i)
        for i, (field, cosine) in enumerate(zip(fields, alike, strict=True))
        if (score := _key_score(ask, field, cosine, known)) > 0
    ]
    return _finding(ask, subject, fields[-max(scored)[1]]) if scored else None


def _asks_identity(ask: Ask, identity: Field) -> bool:
    key = set(key_terms(identity.key))
    if ask.head in key:
        return True
    return (
        ask.kind == "number"
        and bool(key & set(ask.terms))
        and bool(_NUMBERED & set(words(ask.bare)))
    )


def _key_score(ask: Ask, field: Field, cosine: float, known: set[str]) -> float:
    """Score a key for an ask; zero where it does not fit."""
    key = [term for term in key_terms(field.key) if term not in known]
    places = [ask.terms.index(term) for term in key if term in ask.terms]
    said = len(places) / len(key) if key else 0.0
    typed = ask.kind not in ("any", "reason", "place")
    fits = ask.kind == field.kind or (ask.kind == "person" and _may_be_name(field.value))
    if typed and not fits and said < 1:
        return 0.0
    if not (said >= 1 or (typed and fits and (said > 0 or cosine >= _KEY_FITS))):
        return 0.0
    early = said / (1 + 0.1 * min(places)) if places else 0.0
    return early + cosine + 0.5 * (typed and fits)


def _may_be_name(value: str) -> bool:
    """Say whether a value may be the name of somebody who has one only."""
    return value.isalpha() and value.istitle()


def _without(text: str, known: set[str]) -> str:
    """Leave out the words that say only what sort of record it is."""
    kept = (word for word in re.split(r"[\s_-]+", text) if stem(fold(word)) not in known)
    return " ".join(kept) or text


def _finding(ask: Ask, subject: Subject, field: Field) -> Finding:
    record = subject.record
    return Finding(ask, record.passage, 0.6 + 0.35 * subject.score, record=record, field=field)
