"""Whether names and numbers of a statement stand in what it is said to rest on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.words import words

_KEYS = re.compile(r"\[[^\[\]\n]{1,300}\]")
_NUMERALS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
}  # fmt: skip


def without_keys(text: str) -> str:
    """Leave out what stands in square brackets: it points at passages and says nothing itself."""
    return _KEYS.sub("", text)


def ungrounded(statement: str, context: str) -> set[str]:
    """Return the names and numbers of the statement that the context does not have, folded."""
    said = Question.read(without_keys(statement)).names
    there = spelled(words(context))
    return {word for word in said if not {word, _NUMERALS.get(word, word)} & there}


def spelled(found: Iterable[str]) -> set[str]:
    """Return the words, numbers also in figures, without leading zeros and in their parts."""
    there = set(found)
    there |= {word.lstrip("0") or word for word in there}
    there |= {_NUMERALS[word] for word in there if word in _NUMERALS}
    for word in list(there):
        there |= set(word.split(".")) if word[:1].isdigit() else set()
    return there
