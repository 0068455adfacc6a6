"""Who did it to whom: whether a sentence has the names of a question on the wrong side of a verb.

`Who did Alice defeat?` is not answered by `Bob defeated Alice`. By the order of names around a verb
that both have, and by `was ... by`; it says nothing where another verb is used, or no name stands
beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bottega_plugins.models.embedded.words import COMMON, stem

_TOKEN = re.compile(r"[\w'\u2019-]+")
_DO = frozenset(("did", "does", "do"))
_BE = frozenset(("is", "are", "was", "were", "been", "being", "be"))
_ASKS_SUBJECT = frozenset(("who", "which", "what"))
_REACH = 3
"""Words between a verb and its `was` or `by`."""


@dataclass(frozen=True)
class _Deed:
    """A verb with the names before and after it, as an active sentence has them."""

    verb: str
    doer: str = ""
    target: str = ""


def swapped(question: str, sentence: str) -> bool:
    """Say whether the sentence tells of the same deed with doer and target the other way round."""
    deeds = _deeds(question)
    if not deeds:
        return False
    said = _TOKEN.findall(sentence)
    stems = [stem(word.casefold()) for word in said]
    deed = next((deed for deed in deeds if deed.verb in stems), None)
    return deed is not None and stems.count(deed.verb) == 1 and _is_turned(deed, said, stems)


def _is_turned(deed: _Deed, said: Sequence[str], stems: Sequence[str]) -> bool:
    verb = stems.index(deed.verb)
    passive = _is_passive(said, verb)
    if passive is None:
        return False
    sides = [_is_before(deed.doer, said, verb), _is_before(deed.target, said, verb)]
    right = [not passive, passive]
    told = [side == wanted for side, wanted in zip(sides, right, strict=True) if side is not None]
    return bool(told) and not any(told)


@lru_cache(maxsize=256)
def _deeds(question: str) -> tuple[_Deed, ...]:
    """Return what a question may ask about: each of its verbs with the names beside it."""
    asked = _TOKEN.findall(question)
    low = [word.casefold() for word in asked]
    verbs = (i for i in range(1, len(asked)) if asked[i].islower() and low[i] not in COMMON)
    return tuple(deed for i in verbs if (deed := _deed(asked, low, i)))


def _deed(asked: Sequence[str], low: Sequence[str], at: int) -> _Deed | None:
    """Return the deed that a word names, if it is a verb with a name beside it."""
    verb = stem(low[at])
    first, before = _name_before(asked, at)
    after = _name_after(asked, at + 1)
    if before and first > 0 and low[first - 1] in _DO:
        return _Deed(verb, doer=before, target=after)
    if before and first > 0 and low[first - 1] in _BE and low[at].endswith("ed"):
        agent = _name_after(asked, at + 2) if list(low[at + 1 : at + 2]) == ["by"] else ""
        return _Deed(verb, doer=agent, target=before)
    subject = low[0] in _ASKS_SUBJECT and not _DO.intersection(low) and at <= _REACH
    if subject and after and low[at - 1] not in _BE:
        return _Deed(verb, target=after)
    return None


def _name_before(words: Sequence[str], end: int) -> tuple[int, str]:
    """Return where the name right before a place begins, and its last word; empty without one."""
    first = end
    while first > 0 and words[first - 1][0].isupper() and words[first - 1].casefold() not in COMMON:
        first -= 1
    if first == end:
        return end, ""
    if first > 0 and words[first - 1] == "the":
        first -= 1
    return first, words[end - 1]


def _name_after(words: Sequence[str], start: int) -> str:
    """Return the last word of the name right after a place; empty without one."""
    start += list(words[start : start + 1]) == ["the"]
    end = start
    while end < len(words) and words[end][0].isupper():
        end += 1
    return words[end - 1] if end > start else ""


def _is_passive(words: Sequence[str], verb: int) -> bool | None:
    """Say whether a verb is passive; None where its form alone does not tell.

    A participle (`the hall, opened in 1974`) looks like an active verb. One is taken for active
    only between two names.
    """
    if words[verb].endswith(("ed", "en", "n", "t")):
        helped = _BE.intersection(word.casefold() for word in words[max(0, verb - 2) : verb])
        if helped or "by" in words[verb + 1 : verb + 1 + _REACH]:
            return True
    before = verb - 1 - words[verb - 1].endswith("ly")
    named = before >= 0 and words[before][0].isupper() and bool(_name_after(words, verb + 1))
    return False if named else None


def _is_before(name: str, words: Sequence[str], verb: int) -> bool | None:
    """Say on which side of the verb a name stands; None where it is on both or none."""
    if not name:
        return None
    before, after = name in words[:verb], name in words[verb + 1 :]
    return None if before == after else before
