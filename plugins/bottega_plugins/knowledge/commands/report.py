"""What an update of an index did, as lines for people or as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bottega.cli.screen import show, show_error, show_json
from bottega.errors import BottegaError

if TYPE_CHECKING:
    from bottega_plugins.knowledge.documents.skipped import Skipped
    from bottega_plugins.knowledge.index.progress import UpdateReport
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

_MOST_SKIPPED_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexOutput:
    """Tells what was done, in the way that was asked for."""

    directory: str
    knowledge: KnowledgeBase
    as_json: bool
    quiet: bool

    @property
    def is_text(self) -> bool:
        """Whether people read along."""
        return not (self.quiet or self.as_json)

    def updated(self, done: UpdateReport) -> None:
        """Tell of the one update."""
        if self.as_json:
            show_json(_as_data(self.knowledge, done))
        elif self.is_text:
            for line in _as_text(self.directory, done):
                show(line)

    def failed(self, error: BottegaError) -> None:
        """Tell of an update of many that could not be made."""
        show_error(error)

    def followed(self, done: UpdateReport, skipped: Sequence[Skipped]) -> None:
        """Tell of one update of many, in a line, and of the files that were newly skipped."""
        if self.as_json:
            show(json.dumps(_as_data(self.knowledge, done)))
        elif self.is_text:
            summary, *_ = _as_text(self.directory, done)
            also = f"; {_count(len(done.skipped), 'file')} skipped" if done.skipped else ""
            show(f"{time.strftime('%H:%M:%S')} {summary}{also}")
            for line in _named(skipped):
                show(line)

    def verified(self) -> None:
        """Tell that every byte is as it was written."""
        if self.as_json:
            place = {"docs": str(self.knowledge.docs), "index": str(self.knowledge.index)}
            show_json({**place, "whole": True})
        elif self.is_text:
            show(f"{self.directory}: the index is whole")


def _as_data(knowledge: KnowledgeBase, done: UpdateReport) -> dict[str, Any]:
    return {
        "docs": str(knowledge.docs),
        "index": str(knowledge.index),
        "files": done.files,
        "added": done.added,
        "changed": done.changed,
        "deleted": done.deleted,
        "unchanged": done.unchanged,
        "skipped": [{"path": item.source, "reason": item.reason} for item in done.skipped],
        "chunks": done.chunks,
        "embedded": done.embedded,
        "seconds": round(done.seconds, 3),
        "rebuilt": done.rebuilt,
        "nothing_to_do": done.nothing_to_do,
    }


def _as_text(directory: str, done: UpdateReport) -> Iterator[str]:
    size = f"{_count(done.files, 'file')}, {_count(done.chunks, 'passage')}"
    seconds = f"{done.seconds:.1f} s"
    if done.nothing_to_do:
        yield f"{directory}: nothing to do: {size} are up to date ({seconds})"
    else:
        parts = ((done.added, "new"), (done.changed, "changed"), (done.deleted, "deleted"))
        changes = ", ".join(f"{number} {what}" for number, what in parts if number)
        yield f"{directory}: {size} indexed ({changes or 'none new'}) in {seconds}"
    if done.rebuilt:
        yield f"made anew: {done.rebuilt}"
    if done.skipped:
        yield f"{_count(len(done.skipped), 'file')} skipped:"
        yield from _named(done.skipped)


def _named(skipped: Sequence[Skipped]) -> Iterator[str]:
    for item in skipped[:_MOST_SKIPPED_SHOWN]:
        yield f"  {item.source}: {item.reason}"
    if len(skipped) > _MOST_SKIPPED_SHOWN:
        yield f"  and {len(skipped) - _MOST_SKIPPED_SHOWN} more (--json names all)"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
