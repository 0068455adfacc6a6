"""Names, quotes and numbers of a task, and which of them an argument most likely means.

A span goes to the argument whose name and description share most words with what stands around the
span. None is given twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bottega_plugins.models.embedded.question import quoted_spans
from bottega_plugins.models.embedded.words import COMMON, fold, stem, words

_NUMBER = re.compile(
    r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?=%|(?:kg|km|cm|mm|m|g|s|ms|h|gb|mb)\b|(?!\w)(?!\.\d))"
)
_QUOTED = re.compile(r"(?<![\w])['`]([^'`]{1,80})['`](?!\w)")
_NAME = re.compile(
    r"\b[A-Z][\w'-]*(?:(?: (?:of|de|van|von|der|the))* [A-Z0-9][\w'-]*|, [A-Z][\w'-]*)*"
)
_AFTER = re.compile(
    r"\b(?:in|at|from|to|for|of|on|by|with|called|named)\s+(?:the\s+|an?\s+)?([\w-]+)"
)
_BEFORE, _BEHIND = 4, 2
"""Words around a span that say what it is."""
_PLACES = "location city place country state region area address"
_MEANS = {
    "from": "start origin departure source initial from first",
    "to": "end destination arrival target final to second",
    "in": _PLACES,
    "at": _PLACES,
    "near": _PLACES,
}
"""What a word right before a span says of it."""


@dataclass(frozen=True)
class Span:
    """A piece of the task that may be a value."""

    start: int
    end: int
    text: str
    near: frozenset[str]
    """Stems of the words around it, and of what they mean."""
    weight: float
    """How much like a value it looks by itself."""


@dataclass(frozen=True)
class Wanted:
    """What an argument is called, and what is said of it; in stems."""

    name: frozenset[str]
    told: frozenset[str]

    @staticmethod
    def of(name: str, description: str) -> Wanted:
        """Read an argument's name and description."""
        return Wanted(_stems(name.replace("_", " ")), _stems(description[:300]))

    def overlap(self, span: Span) -> int:
        """Count the words shared with what stands around a span; those of its name twice."""
        return 2 * len(self.name & span.near) + len(self.told & span.near)


@dataclass
class Spans:
    """All spans of a task, less those that were given away."""

    task: str
    _used: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])

    def __post_init__(self) -> None:
        self._texts = list(_texts(self.task))
        self._numbers = [
            _span(self.task, *m.span(), m[0], 1.0) for m in _NUMBER.finditer(self.task)
        ]

    def texts(self, wanted: Wanted, others: Sequence[Wanted]) -> Iterator[str]:
        """Yield quotes and names, the likeliest first; what is yielded is given away."""
        return self._best(self._texts, wanted, others)

    def numbers(self, wanted: Wanted, others: Sequence[Wanted]) -> Iterator[str]:
        """Yield numbers as they are written, the likeliest first."""
        return self._best(self._numbers, wanted, others)

    def _best(
        self, spans: Sequence[Span], wanted: Wanted, others: Sequence[Wanted]
    ) -> Iterator[str]:
        def score(item: tuple[int, Span]) -> float:
            place, span = item
            claimed = max((other.overlap(span) for other in others), default=0)
            return wanted.overlap(span) - 0.9 * claimed + span.weight - 0.01 * place

        for _, span in sorted(enumerate(spans), key=score, reverse=True):
            if not any(a < span.end and span.start < b for a, b in self._used):
                self._used.add((span.start, span.end))
                yield span.text


def _texts(task: str) -> Iterator[Span]:
    for start, end in quoted_spans(task):
        yield _span(task, start, end, task[start + 1 : end - 1], 2.0)
    for match in _QUOTED.finditer(task):
        yield _span(task, *match.span(), match[1], 2.0)
    for match in _NAME.finditer(task, 1):
        if fold(match[0]) not in COMMON:
            yield _span(task, *match.span(), match[0], 1.0)
    for match in _AFTER.finditer(task):
        if fold(match[1]) not in COMMON and not match[1][0].isdigit():
            yield _span(task, *match.span(1), match[1], 0.0)


def _span(task: str, start: int, end: int, text: str, weight: float) -> Span:
    before, behind = words(task[max(0, start - 80) : start]), words(task[end : end + 40])
    near = {*before[-_BEFORE:], *behind[:_BEHIND]} - COMMON
    if before:
        near |= set(_MEANS.get(before[-1], "").split())
    return Span(start, end, text, frozenset(map(stem, near)), weight)


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words(text) if word not in COMMON or word in _MEANS)
