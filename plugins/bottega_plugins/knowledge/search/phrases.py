"""Text in double quotes: what a query quotes, and how much a passage has to do with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.words import contains, plain_words

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.record import Passage

_MOST_PHRASES = 8
_QUOTED = re.compile(
    r'"([^"]{2,300})"|\u201c([^\u201d]{2,300})\u201d|\u00ab([^\u00bb]{2,300})\u00bb'
)
_CALLED_SO = 2
_HAS_IT = 1


def quoted(query: str) -> list[str]:
    """Return the texts in double quotes, and the one between the first quote and the last."""
    texts = [next(filter(None, match.groups())) for match in _QUOTED.finditer(query)]
    first, last = query.find('"'), query.rfind('"')
    if last > first >= 0:
        texts.append(query[first + 1 : last])  # a quoted title may have quotes of its own
    return [text for text in dict.fromkeys(texts) if plain_words(text)][:_MOST_PHRASES]


def has(phrase: str, passage: Passage) -> bool:
    """Say whether a passage, its title or a heading has a phrase, case and marks aside."""
    plain, headings = plain_words(phrase), passage.chunk.heading.split(" > ")
    texts = (passage.chunk.text, passage.document.title, *headings)
    return any(contains(text, plain) for text in texts)


def points(phrase: str, passage: Passage) -> int:
    """Return how much a passage has to do with a phrase; 0 for nothing."""
    plain, title = plain_words(phrase), passage.document.title
    if plain_words(title) == plain:
        return _CALLED_SO + passage.is_first
    headings = passage.chunk.heading.split(" > ")
    if any(plain_words(heading) == plain for heading in headings):
        return _CALLED_SO
    texts = (title, *headings, passage.chunk.text)
    return _HAS_IT if any(contains(text, plain) for text in texts) else 0
