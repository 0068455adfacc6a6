"""A sentence as tokens: each with its place, its stem, and what sort of token it is by its look.

No dictionary of nouns and verbs: the commonest function words by name, all others by shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bottega_plugins.models.embedded.words import fold, stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TOKENS = 120
_TOKEN = re.compile(
    r"(?:[A-Z]{0,3}[$\u20ac\u00a3\u00a5])?\d+(?:[.,:/]\d+)*(?:%|(?:st|nd|rd|th|s)\b)?"
    r"|(?:[A-Z]\.){2,}|[^\W_]+(?:[-.\u2013][^\W_]+)*|['\u2019]s?\b|\S"
)
_WORDS = (
    "the", "a an", "of", "in", "at on", "to", "by", "for", "from", "with", "as", "and", "or nor",
    "but", "that", "which who whom where when while", "is are was were be been being", "has have "
    "had", "will would can could may might must should shall did do does", "not no never", "it he "
    "she they we i you", "his her its their our my", "this these those", "because since due",
    "than", "between among", "over under above below", "about around approximately nearly almost",
    "such", "called named known termed dubbed titled nicknamed", "including include includes",
    "after before during until", "through via into onto", "against without within", "also often "
    "usually only even then however", "more most less least many much several some all both any "
    "each every other", "so if though although", "how why what",
)  # fmt: skip
_MONTHS = "january february march april may june july august september october november december"
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand million billion trillion half dozen third quarter"
)
_ORDINALS = "first second fourth fifth sixth seventh eighth ninth tenth last next final"
_SHAPES = (
    "start", "end", "comma", "stop", "colon", "open", "close", "quote", "dash", "possessive",
    "mark", "year", "number", "decade", "ordinal", "percent", "money", "month", "numeral",
    "acronym", "initials", "capital", "opening", "adverb", "past", "gerund", "plural",
    "adjective", "agent", "abstract", "lower", "unit",
)  # fmt: skip
KINDS: tuple[str, ...] = (*_SHAPES, *(group.split()[0] for group in _WORDS))
KIND = {name: place for place, name in enumerate(KINDS)}
_UNITS = (
    "percent years year months days day hours minutes miles kilometres km feet metres meters "
    "acres hectares tons tonnes kg pounds dollars euros people students degrees times century "
    "per bc ad bce ce mi ft m cm mm inches square"
)
_NAMED = {
    **{word: KIND[group.split()[0]] for group in _WORDS for word in group.split()},
    **dict.fromkeys(_NUMBERS.split(), KIND["numeral"]),
    **dict.fromkeys(_ORDINALS.split(), KIND["ordinal"]),
    **dict.fromkeys(_UNITS.split(), KIND["unit"]),
}
_MARKS = {
    ",": "comma", ".": "stop", "?": "stop", "!": "stop", ";": "colon", ":": "colon", "(": "open",
    "[": "open", ")": "close", "]": "close", '"': "quote", "\u201c": "quote", "\u201d": "quote",
    "`": "quote", "-": "dash", "\u2013": "dash", "\u2014": "dash", "'s": "possessive",
    "\u2019s": "possessive", "'": "quote", "\u2018": "quote", "\u2019": "quote",
}  # fmt: skip
_YEAR = re.compile(r"1\d{3}|20\d\d")
_ENDINGS = (
    ("adverb", ("ly",)),
    ("past", ("ed",)),
    ("gerund", ("ing",)),
    ("abstract", ("tion", "sion", "ment", "ness", "ity", "ism", "ance", "ence", "ship", "age")),
    ("agent", ("er", "or", "ist", "ian", "ers", "ors", "ists", "ians")),
    ("adjective", ("al", "ic", "ive", "ous", "ful", "able", "ible", "less", "ary", "ish")),
    ("plural", ("s",)),
)
FUNCTION_FROM = len(_SHAPES)
"""Kinds from here on are function words."""
CLOSED = frozenset(
    KIND[name]
    for name in ("start", "end", "comma", "stop", "colon", "open", "close", "quote", "dash",
                 "possessive", "mark")
)  # fmt: skip
"""Kinds that are punctuation."""
CAPITALS = frozenset(KIND[name] for name in ("capital", "acronym", "initials", "opening", "month"))
FIGURES = frozenset(
    KIND[name] for name in ("year", "number", "decade", "percent", "money", "numeral")
)


@dataclass(frozen=True)
class Tokens:
    """The tokens of one sentence; all sequences are of one length."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    folded: tuple[str, ...]
    stems: tuple[str, ...]
    kinds: NDArray[np.int64]
    """Places in `KINDS`."""

    def __len__(self) -> int:
        return len(self.starts)


def tokenise(text: str) -> Tokens:
    """Cut a sentence to tokens, at most `MOST_TOKENS`."""
    import numpy as np

    found = list(_TOKEN.finditer(text))[:MOST_TOKENS]
    folded = tuple(fold(match[0]) for match in found)
    kinds = [
        _kind(match[0], low, opening=match.start() == 0)
        for match, low in zip(found, folded, strict=True)
    ]
    return Tokens(
        text=text,
        starts=tuple(match.start() for match in found),
        ends=tuple(match.end() for match in found),
        folded=folded,
        stems=tuple(stem(word) for word in folded),
        kinds=np.array(kinds, np.int64),
    )


def _kind(token: str, folded: str, *, opening: bool) -> int:
    """Say what sort of token it is, as a place in `KINDS`."""
    if token in _MARKS:
        return KIND[_MARKS[token]]
    if any(c.isdigit() for c in token):
        return KIND[_figure(token)]
    named = _NAMED.get(folded)
    if named is not None and (token.islower() or opening or len(token) == 1):
        return named
    if token[0].isupper():
        return KIND[_capital(token, folded, opening=opening)]
    return KIND[_small(token) if token[0].isalpha() else "mark"]


def _small(token: str) -> str:
    endings = (name for name, ends in _ENDINGS if len(token) > 4 and token.endswith(ends))
    return next(endings, "lower")


def _figure(token: str) -> str:
    if _YEAR.fullmatch(token):
        return "year"
    if token[-1] == "%":
        return "percent"
    if any(c in "$\u20ac\u00a3\u00a5" for c in token):
        return "money"
    if token.endswith("0s"):
        return "decade"
    if token.endswith(("st", "nd", "rd", "th")) and token[0].isdigit():
        return "ordinal"
    return "number" if token[0].isdigit() else "acronym"


def _capital(token: str, folded: str, *, opening: bool) -> str:
    if folded in _MONTHS.split():
        return "month"
    if len(token) > 1 and token.isupper():
        return "acronym"
    if len(token) == 1 or "." in token:
        return "initials"
    return "opening" if opening else "capital"
