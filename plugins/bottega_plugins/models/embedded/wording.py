"""Putting findings into plain sentences, each followed by the key of its passage."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bottega_plugins.models.embedded.fields import Field
from bottega_plugins.models.embedded.kinds import kind_of_value
from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Ask
from bottega_plugins.models.embedded.reading import Finding, Reading
from bottega_plugins.models.embedded.words import shown

MOST_SENTENCES = 3
CLEAR = 0.3
"""Share from which a short answer is said by itself, before its sentence."""
_LARGEST_PART = 0.6
"""Of a sentence: what is longer is no short answer, the sentence says it better."""
_LONGEST_NAMED = 160
_NO_LONGER = re.compile(r"\bno longer\b|\bnot\b.{1,80}\bany ?(?:more|longer)\b", re.IGNORECASE)
"""What is no longer so is no short answer by itself."""


def answer_text(reading: Reading) -> str:
    """Write the answer to all asks that have one; say which have none."""
    said: dict[str, None] = {}
    identities = [f for f in reading.findings if f.record and f.field is f.record.identity]
    named = {id(f.record) for f in reading.findings if f not in identities}
    for finding in reading.findings:
        if not (finding in identities and id(finding.record) in named):
            said[_sentence(finding)] = None
    text = " ".join(list(said)[:MOST_SENTENCES])
    if not reading.missing:
        return text
    return f"{text} {_not_said(reading.missing)}"


def dated_text(reading: Reading, passages: Sequence[Passage]) -> str:
    """Write the answer; where a newer passage may hold in the place of its own, that one first."""
    known = {passage.key: passage for passage in passages if passage.key}
    older = [f.passage for f in reading.findings if f.passage.newer in known]
    newer = {passage.newer: known[passage.newer] for passage in older}
    text = answer_text(reading)
    if not newer:
        return text
    told = [f"Newest{_of(p)}: {_ended(cut(p.text), p.cited)}" for p in newer.values()]
    return f"{' '.join(told)} Older{_of(older[0])}: {text}"


def _of(passage: Passage) -> str:
    return f", of {shown(passage.since)}" if passage.since else ""


def abstention(task: str, reading: Reading) -> str:
    """Say that the documents do not tell, and what came nearest."""
    nearest = reading.nearest
    text = f"The documents do not say: {cut(task)}"
    if nearest is None or not nearest.passage.text.strip():
        return text
    where = shown(nearest.passage.heading or nearest.passage.source)
    place = f'"{cut(where)}"' if where else "a passage"
    return f"{text} The nearest passage, {place}{nearest.passage.cited}, gives no sure answer."


def _not_said(asks: Sequence[Ask]) -> str:
    listed = "; ".join(f'"{cut(ask.text.rstrip("?"))}"' for ask in asks)
    return f"The documents do not say {listed}."


def _sentence(finding: Finding) -> str:
    if finding.record is None or finding.field is None:
        return _quoted(finding)
    label, field = _unbracketed(finding.record.label), finding.field
    if field is finding.record.identity:
        return f"It is {label}{finding.passage.cited}."
    return f"{_stated(field, label)}{finding.passage.cited}."


def _stated(field: Field, label: str) -> str:
    """Write `The status of PEP 8, "Style", is Active` or `PEP 8, "Style", was created on ...`."""
    key, value = field.shown_key, _unbracketed(field.value)
    comma = "," if ', "' in label else ""
    if kind_of_value(field.value) == "date" and key.lower().endswith("ed"):
        return f"{label}{comma} was {key.lower()} on {value}"
    name = key if any(c.isupper() for c in key[1:]) else key[:1].lower() + key[1:]
    people = re.split(r",\s*(?:and\s+)?|\s+and\s+", value)
    if len(people) > 1 and kind_of_value(value) == "person":
        return f"The {name.removesuffix('s')}s of {label}{comma} are {_listed(people)}"
    return f"The {name}{f' of {label}' if label else ''}{comma} is {value}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _quoted(finding: Finding) -> str:
    """Put the short answer, where it is clear, before the sentence that it stands in."""
    sentence, short = finding.sentence, shown(finding.short)
    clear = finding.share >= CLEAR and len(short) <= _LARGEST_PART * len(sentence)
    if not short or not clear:
        return _ended(sentence, finding.passage.cited)
    if _NO_LONGER.search(sentence) and not _NO_LONGER.search(finding.ask.text):
        return _ended(sentence, finding.passage.cited)
    body = _unbracketed(sentence).rstrip(".:;, ")
    said = short.capitalize() if short in ("yes", "no") else _unbracketed(short)
    return f'{said}: "{body}"{finding.passage.cited}.'


def _ended(sentence: str, cited: str) -> str:
    """Put the key before the full stop; brackets in the sentence itself must not look like keys."""
    body = _unbracketed(sentence)
    end = body[-1] if body[-1:] in tuple(".!") else "."
    return f"{body.rstrip('.!:;, ')}{cited}{end}"


def _unbracketed(text: str) -> str:
    """Make brackets round: square ones point at passages, and only ours may."""
    return shown(text).replace("[", "(").replace("]", ")")


def cut(text: str) -> str:
    """Return the text on one line, cut to what a sentence may name."""
    text = shown(text[: 4 * _LONGEST_NAMED])
    return text if len(text) <= _LONGEST_NAMED else f"{text[:_LONGEST_NAMED].rstrip()}..."
