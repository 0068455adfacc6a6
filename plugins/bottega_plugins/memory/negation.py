"""Whether one sentence denies what another says: the same words in the same order, and a `not`.

By words alone; English only. It finds plain cases and nothing else: what differs in one more word,
such as `no longer fond of green tea` and `fond of tea`, is left to a judge.
"""

from __future__ import annotations

import re

_SHORT = ((r"\bwon't\b", "will not"), (r"\bcan(?:'t|not)\b", "can not"), (r"n't\b", " not"))
_NOT = re.compile(r"\b(?:no longer|no more|used to|not|no|never)\b")
_WORD = re.compile(r"\w+")
_EMPTY = "a an the is are am be been do does now again any more longer anymore currently"
_SAYS_NOTHING = frozenset(_EMPTY.split())
"""Words without which a sentence says the same; forms of the past are not among them."""
_LEAST = 2
"""Words that must be the same."""


def denies(one: str, other: str) -> bool:
    """Say whether exactly one of two sentences has a `not`, and they agree in all other words."""
    (first, first_denied), (second, second_denied) = _read(one), _read(other)
    return first_denied != second_denied and len(first) >= _LEAST and first == second


def _read(text: str) -> tuple[list[str], bool]:
    """Return the words that say something, in order, and whether they are denied."""
    text = re.sub(r"^\W*no\W*,", "", text.casefold().replace("\u2019", "'"))
    for short, full in _SHORT:
        text = re.sub(short, full, text)
    bare, count = _NOT.subn(" ", text)
    return [_stem(w) for w in _WORD.findall(bare) if w not in _SAYS_NOTHING], count % 2 == 1


def _stem(word: str) -> str:
    """Make `like` of `likes` and `have` of `has`."""
    if word == "has":
        return "have"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
