"""Calls that trusted words vouch for: everything that they name stands in those words.

This is what holds where an agent has made no plan. It is weaker: the words say what the call may
touch, not that it shall be made. So small numbers and words that stand in any text vouch for
nothing by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bottega.labels import Passage
from bottega_plugins.guards.flow.values import keys, leaves, number, occurs, plain

NOWHERE = "nothing that may be trusted"
_LEAST = 5
"""Letters and digits from which a value is hardly in a text by chance."""
_SHOWN = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Stranger:
    """An argument that no trusted words hold."""

    path: str
    value: Any
    origin: str
    """The tool or agent whose untrusted words hold it."""

    def __str__(self) -> str:
        shown = repr(self.value)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        return f"argument {self.path}={shown} comes from {self.origin}"


def strangers(
    arguments: Mapping[str, Any], read: Sequence[Passage], known: Collection[str] = ()
) -> list[Stranger]:
    """Return the arguments that no trusted passage holds, and keys in them that nobody knows."""
    trusted = [passage.text for passage in read if passage.trust == "trusted"]
    found: list[Stranger] = []
    named = ((path, key) for path, key in keys(arguments) if key not in known)
    for path, value in (*named, *leaves(arguments)):
        if not _says_nothing(value) and not any(occurs(value, text) for text in trusted):
            found.append(Stranger(path=path, value=value, origin=origin(value, read)))
    return found


def names_something(arguments: Mapping[str, Any]) -> bool:
    """Say whether any argument is such that it does not stand in a text by chance."""
    return any(_is_telling(value) for _, value in leaves(arguments))


def origin(value: Any, read: Iterable[Passage]) -> str:
    """Return whose untrusted words hold a value, the latest."""
    holders = [p.origin for p in read if p.trust == "untrusted" and occurs(value, p.text)]
    return f"{holders[-1]}, which is untrusted" if holders else NOWHERE


def _says_nothing(value: Any) -> bool:
    return value is None or isinstance(value, bool) or value == ""


def _is_telling(value: Any) -> bool:
    if not isinstance(value, str) or number(value) is not None:
        counted = number(value)
        return counted is not None and len(str(counted.copy_abs())) >= _LEAST
    return sum(c.isalnum() for c in plain(value)) >= _LEAST
