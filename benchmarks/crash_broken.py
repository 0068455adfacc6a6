"""Bottega broken on purpose: what the figures of `crash.py` come to where durability fails.

A figure that is 0 says something only if it would not be 0 otherwise. Each control breaks one
thing.
"""

from __future__ import annotations

from typing import Any


def no_intents() -> None:
    """Write no intent before a call that may happen once: it is simply made again."""
    from bottega.actions import Actions

    async def intend(self: Any, tool: Any, context: Any) -> None:
        pass

    setattr(Actions, "_intend", intend)  # noqa: B010  # it is not ours to set, to a type checker


def no_journal() -> None:
    """Forget every entry of the journal: a node begins anew after a crash."""
    from bottega_agents.storage.log import JournalLog

    async def write(self: Any, key: str, value: Any) -> None:
        pass

    setattr(JournalLog, "write", write)  # noqa: B010


def unknown_is_done() -> None:
    """Take a call for done of which only the intent is known."""
    from bottega import actions

    setattr(actions, "OUTCOME_UNKNOWN", "taken for done")  # noqa: B010


BROKEN = {
    "": lambda: None,
    "no intents": no_intents,
    "no journal": no_journal,
    "unknown is done": unknown_is_done,
}


def break_on_purpose(what: str) -> None:
    """Break it. Raises KeyError for what is not known here."""
    BROKEN[what]()
