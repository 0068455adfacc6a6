"""Words of a text as full-text search compares them: folded, stemmed, without the commonest."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib import import_module
from typing import Any

VERSION = 2
"""Raised when the same text would have other words: indexes then count them anew."""

_WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+")
_LONGEST = 64
_CONTRACTED = re.compile(r"\b[a-z]{2,6}n['\u2019]t\b|(?<=\w)['\u2019](?:s|d|ll|ve|re|m)\b")
"""`don't` whole, as the auxiliary it is; of `it's` and `they'll` what follows the apostrophe."""
_COMMON = frozenset(
    """a about am an and any are as at be because been being both but by can could cannot did do
    does doing each either else every for from had has have having he her here herself him himself
    his how however i if in into is it its itself just me might must my myself neither of on or
    other others our ours ourselves own per shall she should so some such than that the their theirs
    them themselves then there these they this those though thus to too upon very via was we were
    what when where which while who whom whose why will with would yet you your yours yourself
    yourselves""".split()  # noqa: SIM905  # a list of words reads better as words
)
"""Pronouns, auxiliaries, articles and what only joins; long pleas have many.

Not among them: what negates (`no`, `not`, `without`), and what is also a name (`us`, `may`).
"""


def words(text: str) -> list[str]:
    """Return the words in order, repeats included; a version such as `3.12` is one word."""
    plain = _CONTRACTED.sub(" ", fold(text))
    return [stem for word in _WORD.findall(plain) if (stem := _stem(word))]


def fold(text: str) -> str:
    """Return the text with differences of case and of compatible characters removed."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return folded.casefold()


_BETWEEN_WORDS = re.compile(r"[\W_]+")


def plain_words(text: str) -> str:
    """Return the folded words with one space between them, whatever stood between them before."""
    return _BETWEEN_WORDS.sub(" ", fold(text)).strip()


def contains(text: str, phrase: str) -> bool:
    """Say whether the text has the phrase (of `plain_words`) at the bounds of words."""
    return f" {phrase} " in f" {plain_words(text)} "


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    if word in _COMMON:
        return ""
    stemmed: str = _stemmer().stemWord(word[:_LONGEST])
    return stemmed


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    return import_module("Stemmer").Stemmer("english", 0)  # it has no types
