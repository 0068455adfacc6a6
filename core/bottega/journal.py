"""The record that lets a killed run go on: what a node's loop has done, step by step.

An action writes its intent before and its result after. On resume the loop reads the record:
finished steps are replayed, not run. Where the record lies is the checkpointer's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bottega.messages import Json


class Journal(Protocol):
    """An append-only record of one node's run."""

    @property
    def keeps(self) -> bool:
        """Whether anything is recorded at all: if not, nothing need be put into JSON for it."""
        ...

    @property
    def entries(self) -> Mapping[str, Json]:
        """What was recorded before this process took over, by key."""
        ...

    async def write(self, key: str, value: Json) -> None:
        """Record the value; it is safe from kill -9 once this returns.

        Raises StorageError when it cannot be written.
        """
        ...


class NullJournal:
    """No record: for runs that nobody will resume."""

    keeps = False
    entries: Mapping[str, Json] = {}

    async def write(self, key: str, value: Json) -> None:
        """Forget the value."""


class MemoryJournal:
    """A record that lives as long as the process: for tests."""

    keeps = True

    def __init__(self, entries: Mapping[str, Json] | None = None) -> None:
        self.entries: dict[str, Json] = dict(entries or {})

    async def write(self, key: str, value: Json) -> None:
        """Keep the value."""
        self.entries[key] = value
