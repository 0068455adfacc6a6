"""How far an update of an index is, and what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bottega_plugins.knowledge.documents.skipped import Skipped


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far an update is."""

    stage: Literal["read", "embed", "save"]
    done: int
    """Files while they are compared with the index, documents while they are embedded."""
    total: int
    """0 where it is not known."""
    passages: int = 0
    """Passages that were embedded so far."""


Report = Callable[[Progress], object]


def silent(progress: Progress) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateReport:
    """What an update did; the numbers count documents unless they say otherwise."""

    added: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    skipped: tuple[Skipped, ...] = ()
    documents: int = 0
    """Documents in the index now, also those that did not come from the folder."""
    chunks: int = 0
    """Passages in the index now."""
    embedded: int = 0
    """Passages whose vectors had to be computed."""
    seconds: float = 0.0
    rebuilt: str = ""
    """Why the old index was not built upon; empty when it was, or when there was none."""

    @property
    def files(self) -> int:
        """Documents of the folder in the index now."""
        return self.added + self.changed + self.unchanged

    @property
    def nothing_to_do(self) -> bool:
        """Whether the index was up to date already."""
        return not (self.added or self.changed or self.deleted or self.rebuilt)
