"""A stream of documents on its way into an index, a window at a time: memory stays bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from bottega_plugins.knowledge.index.progress import Progress, Report

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.change import Change
    from bottega_plugins.knowledge.index.embedding import Embedding
    from bottega_plugins.knowledge.index.record import NewDocument
    from bottega_plugins.knowledge.index.store import Store

T = TypeVar("T")
_WINDOW = 1_024
"""Passages that are held before they are embedded and written."""


@dataclass(kw_only=True, slots=True)
class Ingest:
    """Embeds documents and writes them to a change."""

    store: Store
    change: Change
    embedding: Embedding
    report: Report
    total: int = 0
    """Documents that will come; 0 when that is not known."""
    done: int = 0
    added: int = 0
    changed: int = 0
    """As with those that were added, documents of one source count once."""
    _sources: set[str] = field(default_factory=set[str])
    _repeated: int = 0
    _window: list[NewDocument] = field(default_factory=list["NewDocument"])
    _held: int = 0

    def forget(self) -> None:
        """Count anew from here."""
        self.added = self.changed = self.done = 0
        self._sources.clear()

    async def take(self, documents: AsyncIterator[NewDocument]) -> None:
        """Take all documents of the stream. Raises StorageError and what the embedder raises."""
        self._tell()
        async for document in documents:
            self._window.append(document)
            self._repeated += document.info.source in self._sources
            self._sources.add(document.info.source)
            self._held += len(document.chunks)
            if self._held >= _WINDOW:
                await self._write()
        await self._write()
        self._tell()

    async def _write(self) -> None:
        window, self._window, self._held = self._window, [], 0
        repeated, self._repeated = self._repeated, 0
        if not window:
            return
        rows = await self.embedding.rows(window, self._tell)
        replaced = await to_the_end(self._append, window, rows)
        self.done += len(window)
        self.changed += replaced
        self.added += len(window) - replaced - repeated
        self._tell()

    def _append(self, window: list[NewDocument], rows: list[Any]) -> int:
        with self.store.disk_errors():
            return sum(map(self.change.append, window, rows))

    def _tell(self) -> None:
        passages = self.embedding.computed
        self.report(Progress(stage="embed", done=self.done, total=self.total, passages=passages))


async def to_the_end(function: Callable[..., T], *given: object) -> T:
    """Run a function in a thread; cancelled, wait for it all the same: the lock must outlast it."""
    work: Awaitable[T] = asyncio.ensure_future(asyncio.to_thread(function, *given))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await work
        raise
