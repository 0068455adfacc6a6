"""What this room offers: the kinds `human`, `map` and `graph`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

MOST_OPTIONS = 20
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_TAKEN = ("if", "else")


def offers() -> list[Offer]:
    """Return the kinds."""
    return [
        Offer(
            name="human",
            summary="Asks a person: to choose a way, to approve an answer, or to give one.",
            factory=_human,
        ),
    ]


def _human(
    context: FactoryContext, *, question: str = "", options: Sequence[str] | None = None
) -> Any:
    from bottega_agents.flow.human import Human

    words = tuple(options or ())
    bad = [word for word in words if not _WORD.fullmatch(word) or word in _TAKEN]
    if bad:
        raise InputError(
            f"options: {bad[0]!r} cannot stand on an edge", hint="an option is one word"
        )
    if options is not None and not 2 <= len({word.casefold() for word in words}) == len(words):
        raise InputError(
            "options: name at least two different words", hint="leave it out for free text"
        )
    if len(words) > MOST_OPTIONS:
        raise InputError(f"options: at most {MOST_OPTIONS} words, not {len(words)}")
    return Human(question=question, options=words)
