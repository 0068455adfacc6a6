"""Long texts in parts that a model reads at once, cut where a paragraph, line or sentence ends."""

from __future__ import annotations

import re

PART = 24_000
"""Characters of a part: some 6,000 tokens of English, which every model reads."""
_ENDS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?。])\s"),
    re.compile(r"\s"),
)


def parts(text: str, most: int = PART) -> list[str]:
    """Return the text in parts of at most so many characters, which together are the text."""
    found: list[str] = []
    start = 0
    while len(text) - start > most:
        end = _end(text, start, start + most)
        found.append(text[start:end])
        start = end
    return [*found, text[start:]] if text[start:] else found


def _end(text: str, start: int, limit: int) -> int:
    """Return where to cut: at the last good place in the second half, else at the limit."""
    half = start + (limit - start) // 2
    for pattern in _ENDS:
        ends = [match.end() for match in pattern.finditer(text, half, limit)]
        if ends:
            return ends[-1]
    return limit
