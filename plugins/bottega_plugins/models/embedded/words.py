"""Words of a text as the reader compares them: folded, lightly stemmed, function words apart.

What words mean is left to the embedder; here is only what can be compared letter by letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+")
_LONGEST = 64
_UNSHOWN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_COMMON_WORDS = (
    "a about after all also an and any are as at be been before being but by can could did do "
    "does doing done for from had has have how i if in into is it its may me more most my no "
    "nor not of on or our please should so some such tell than that the their them then there "
    "these they this those to too us was we were what when where which while who whom whose "
    "why will with would you your"
)
COMMON = frozenset(_COMMON_WORDS.split())
"""Words that say nothing of what a question is about."""


def words(text: str) -> list[str]:
    """Return the words in order, folded; a version such as `3.12` is one word."""
    return [word[:_LONGEST] for word in _WORD.findall(fold(text))]


def terms(text: str) -> list[str]:
    """Return the stems of the words that carry meaning, in order, repeats included."""
    return [stem(word) for word in words(text) if word not in COMMON]


def fold(text: str) -> str:
    """Return the text without differences of case and of compatible characters."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return folded.casefold().replace("\u2019", "'")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Take the commonest English endings off a folded word; numbers and short words stay."""
    if len(word) < 4 or not word.isalpha():
        return word
    for ending, least in (("ies", 3), ("ing", 4), ("ed", 4), ("ers", 4), ("er", 4), ("es", 4)):
        if word.endswith(ending) and len(word) - len(ending) >= least - 1:
            return _bare(word[: -len(ending)] + ("y" if ending == "ies" else ""))
    return _bare(word[:-1] if word.endswith("s") and not word.endswith("ss") else word)


def _bare(root: str) -> str:
    """Make `writ` of both `write` and `writing`, `plan` of both `planning` and `plan`."""
    if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "sl":
        return root[:-1]
    return root[:-1] if len(root) > 3 and root.endswith("e") else root


def covered(needed: Iterable[str], present: Iterable[str]) -> float:
    """Return the share of the needed terms that are present; 1 when none is needed."""
    wanted, there = set(needed), set(present)
    return len(wanted & there) / len(wanted) if wanted else 1.0


def shown(text: str) -> str:
    """Return the text on one line, without characters that hide, reorder or break it."""
    kept = (c if unicodedata.category(c) not in _UNSHOWN else " " for c in text)
    return " ".join("".join(kept).split())
