"""Words of a text as full-text search compares them: folded, stemmed, without the commonest."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib import import_module
from typing import Any

VERSION = 1
"""Raised when the same text would have other words: indexes then count them anew."""

_WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+")
_LONGEST = 64
_COMMON = frozenset(
    """a an and are as at be but by do does did for from has have how if in into is it its of on
    or that the their then there these this to was were what when where which who whom whose why
    will with""".split()  # noqa: SIM905  # a list of words reads better as words
)


def words(text: str) -> list[str]:
    """Return the words in order, repeats included; a version such as `3.12` is one word."""
    return [stem for word in _WORD.findall(fold(text)) if (stem := _stem(word))]


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
