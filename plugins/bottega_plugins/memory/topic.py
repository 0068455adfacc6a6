"""Which facts seem to be about the same thing, so that the older of them may be out of date.

Only a hint, for whoever reads them: what supersedes is `bottega_plugins.memory.supersession`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bottega.memory import Fact, Recalled
from bottega_plugins.memory.ranking import words
from bottega_plugins.memory.supersession import LIKE

_BEFORE_NAMES = "a an the this that my our your his her its their"
_DETERMINERS = frozenset(_BEFORE_NAMES.split())


def with_newer(
    found: Sequence[Recalled], cosine: Callable[[str, str], float]
) -> Sequence[Recalled]:
    """Return what was found, each fact with the newest one of those found on the same topic."""
    named: list[Recalled] = []
    for one in found:
        later = [
            other.fact
            for other in found
            if other.fact.time > one.fact.time and _one_topic(one.fact, other.fact, cosine)
        ]
        newest = max(later, key=lambda fact: fact.time, default=None)
        named.append(replace(one, newer=newest.id) if newest else one)
    return named


def _one_topic(one: Fact, other: Fact, cosine: Callable[[str, str], float]) -> bool:
    """Say whether both are of one user, about one subject, and alike in meaning."""
    subjects = _subject(one) == _subject(other)
    return one.user == other.user and subjects and cosine(one.id, other.id) >= LIKE


def _subject(fact: Fact) -> Sequence[str]:
    """Return what a fact says that it is about, or else the first word that names something."""
    if fact.subject:
        return words(fact.subject)
    return [word for word in words(fact.text) if word not in _DETERMINERS][:1]
