"""Sentences of a text, each as a span; English, by punctuation alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(
    r"[.!?]['\")\u201d\u2019]*(?:\s{0,20}\[[^\[\]\n]{1,300}\])*(?=\s|$)"
    r"|\n[ \t]*\n|\n(?=[ \t]*[-*\u2022] )"
)
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|no|fig|al|mr|mrs|ms|dr|prof|st|jr|sr|inc|ltd|co|approx|ca)"
    r"|\b[A-Z])\.$",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s*")


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the sentences, in order; keys in brackets behind one belong to it."""
    start = _SPACE.match(text).end()  # type: ignore[union-attr]  # it matches nothing, too
    for match in _END.finditer(text):
        if match.end() <= start or _goes_on(text, match):
            continue
        end = start + len(text[start : match.end()].rstrip())
        if end > start:
            yield start, end
        start = _SPACE.match(text, match.end()).end()  # type: ignore[union-attr]
    end = len(text.rstrip())
    if end > start:
        yield start, end


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """Say whether this is no end: an abbreviation, an initial, a small letter behind."""
    if match[0][0] != ".":
        return False
    if _ABBREVIATED.search(text, max(0, match.start() - 12), match.start() + 1):
        return True
    after = text[match.end() : match.end() + 2].lstrip()
    return after[:1].islower()
