"""Making an answer of what was observed: passages read, reports passed on, values told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bottega.messages import ToolResult
from bottega_plugins.models.embedded import wording
from bottega_plugins.models.embedded.field_reader import Subject, ask_field
from bottega_plugins.models.embedded.fields import record_of
from bottega_plugins.models.embedded.grounding import ungrounded
from bottega_plugins.models.embedded.passages import Passage, is_report, passages_of, uncited
from bottega_plugins.models.embedded.question import Ask, Question
from bottega_plugins.models.embedded.reader import read
from bottega_plugins.models.embedded.reading import Reading
from bottega_plugins.models.embedded.sentences import sentences
from bottega_plugins.models.embedded.situation import Observed
from bottega_plugins.models.embedded.vectors import Vectors
from bottega_plugins.models.embedded.words import shown

_IGNORANT = re.compile(
    r"\b(?:do(?:es)? not|don't|doesn't|cannot|can't|could not|couldn't|no)\b.{0,40}"
    r"\b(?:say|tell|mention|contain|answer|find|information|evidence)\b",
    re.IGNORECASE,
)
LONGEST_VALUE = 600
LONGEST_REPORT = 20_000
_OPENING = 120
"""Characters in which a report that knows nothing says so."""


@dataclass(frozen=True)
class Told:
    """What could be said, and what could not."""

    texts: tuple[str, ...] = ()
    reading: Reading | None = None
    """What was read in passages; None where there were none to read."""
    errors: tuple[str, ...] = ()

    @property
    def probability(self) -> float | None:
        """Calibrated probability of the least sure of the findings."""
        found = self.reading.findings if self.reading else ()
        return min((finding.probability for finding in found), default=None)


async def tell(
    question: Question,
    observed: Sequence[Observed],
    asks: Mapping[str, tuple[Ask, ...]],
    lookups: frozenset[str],
    vectors: Vectors,
) -> Told:
    """Read all results; `asks` says which parts of the question each tool was called for."""
    texts: list[str] = []
    passages: list[ToolResult] = []
    plain: list[Passage] = []
    read_for: list[Ask] = []
    for item in observed:
        result = item.result
        if result.is_error:
            continue
        mine = asks.get(result.name, question.asks)
        if is_report(result) or _is_answer(result, lookups):
            texts.append(await _value(item, question, mine, vectors))
            continue
        read_for += [ask for ask in mine if ask not in read_for]
        passages.append(result)
        plain += [] if result.citations else [uncited(result)]
    errors = tuple(item.result.content for item in observed if item.result.is_error)
    if not read_for:
        return Told(_once(texts), None, errors)
    part = Question(question.text, tuple(read_for), question.quoted)
    known = [*passages_of(passages), *plain]
    reading = await read(part, known, vectors)
    said = [wording.dated_text(reading, known)] if reading.findings else []
    return Told(_once([*said, *texts]), reading, errors)


def _once(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _is_answer(result: ToolResult, lookups: frozenset[str]) -> bool:
    """Say whether a result without passages is to be told as it is, not searched for an answer."""
    if result.citations:
        return False
    brief = len(result.content) <= LONGEST_VALUE
    return is_ignorant(result.content) or (brief and result.name not in lookups)


async def _value(
    item: Observed, question: Question, asks: tuple[Ask, ...], vectors: Vectors
) -> str:
    """Tell a result that is an answer by itself, or the field of it that is asked for."""
    result, call = item.result, item.call
    content = shown(result.content[:LONGEST_REPORT])
    if is_report(result):
        return content
    values = [value for value in call.arguments.values() if isinstance(value, str)] if call else []
    short = len(content) <= 40 and any(c.isdigit() for c in content)
    if short and len(values) == 1 and any(c.isdigit() for c in values[0]) and "?" not in values[0]:
        return f"{shown(values[0])} = {content}."
    record = record_of(uncited(result))
    if record is not None:
        for ask in asks:
            found = await ask_field(question, ask, Subject(record, 1.0), vectors)
            if found is not None:
                reading = Reading((found,))
                return wording.answer_text(reading)
    return content


def is_ignorant(text: str) -> bool:
    """Say whether a report says that it could not find out."""
    return _IGNORANT.search(text[:_OPENING]) is not None


def grounded(text: str, results: Sequence[ToolResult]) -> str:
    """Leave out the sentences whose names or numbers stand in none of the results' passages."""
    quotes = " ".join(
        f"{citation.heading} {citation.quote}"
        for result in results
        for citation in result.citations
    )
    if not quotes:
        return text
    return " ".join(s for s in sentences(text) if not ungrounded(s, quotes))
