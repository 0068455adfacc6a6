"""One change of an index from its turn to its commit: what it builds upon, and what is kept.

An index that cannot be built upon is made anew by those who may: for damage, another embedder or
another way of cutting. What is asked of a change is for `writer` to say.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bottega.errors import StorageError
from bottega_plugins.knowledge.documents.skipped import Skipped
from bottega_plugins.knowledge.index import merge
from bottega_plugins.knowledge.index.change import Change
from bottega_plugins.knowledge.index.embedding import Embedding
from bottega_plugins.knowledge.index.ingest import Ingest, to_the_end
from bottega_plugins.knowledge.index.manifest import Manifest
from bottega_plugins.knowledge.index.pending import Pending
from bottega_plugins.knowledge.index.progress import Progress, Report, UpdateReport
from bottega_plugins.knowledge.index.remains import Remains, remains_of
from bottega_plugins.knowledge.index.store import Store, is_made_with, require_embedder
from bottega_plugins.knowledge.index.turn import Turn, turn_at

if TYPE_CHECKING:
    from bottega.embedder import Embedder
    from bottega_plugins.knowledge.index.snapshot import Snapshot

OTHER_CUT = "this version of Bottega cuts documents otherwise, or weighs their words otherwise"


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What a change asks of the index that is there."""

    start: Manifest
    """What an index made anew is made with."""
    may_rebuild: bool = False
    """Whether to make anew what cannot be built upon; it is an error otherwise."""
    thorough: bool = False
    """Whether to compare every byte, not only where damage would not be seen otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OldIndex:
    """What was there when the turn came."""

    base: Snapshot | None
    """What the change builds upon; None when the index is made anew."""
    remains: Remains
    rebuilt: str = ""
    """Why it is made anew; empty when it is not."""
    compared: bool = False
    """Whether every byte was."""


@dataclass(kw_only=True, slots=True)
class Session:
    """One change while it is made."""

    store: Store
    turn: Turn
    old: OldIndex
    change: Change
    ingest: Ingest
    report: Report
    started: float
    """When its turn came."""

    @property
    def base(self) -> Snapshot | None:
        """What the change builds upon; None when the index is made anew."""
        return self.old.base

    async def take_over(self) -> None:
        """Take what programs added to the old index: no folder has it, so it is kept."""
        if self.old.base is None:
            documents = self.old.remains.documents()
            await self.ingest.take(self.turn.through(documents))
            self.ingest.forget()

    async def commit(self) -> Manifest:
        """Make the change the present state, then merge what has become many."""
        self.report(Progress(stage="save", done=0, total=1))
        with self.turn.moving():
            if self.base is not None and self.change.is_empty:
                manifest = self.base.manifest
            else:
                manifest = await to_the_end(self._switch)
            if self.base is None or self.old.compared:
                self.store.trust()
            try:
                manifest = await to_the_end(self._merge, manifest)
            except StorageError:  # what was asked for is done, and a later update merges
                self.store.suspect()
        self.report(Progress(stage="save", done=1, total=1))
        return manifest

    def told(self, made: Manifest, skipped: Iterable[Skipped]) -> UpdateReport:
        """Return what the change did."""
        lost = self.old.remains.lost
        reasons = (self.old.rebuilt, f"what programs added is lost: {_names(lost)}" if lost else "")
        return UpdateReport(
            added=self.ingest.added,
            changed=self.ingest.changed,
            skipped=(*skipped, *lost),
            documents=made.documents,
            chunks=made.passages,
            embedded=self.ingest.embedding.computed,
            seconds=time.perf_counter() - self.started,
            rebuilt="; ".join(filter(None, reasons)),
        )

    def _switch(self) -> Manifest:
        with self.store.disk_errors():
            return self.change.commit()

    def _merge(self, manifest: Manifest) -> Manifest:
        snapshot: Snapshot | None = None
        while places := merge.due(manifest.segments):
            with self.store.disk_errors():
                snapshot = self.store.load(snapshot)
                manifest = merge.merge(self.store, snapshot, places)
        return manifest


@asynccontextmanager
async def session(
    store: Store, embedder: Embedder, report: Report, demand: Demand
) -> AsyncGenerator[Session]:
    """Hold the index for one change. Raises StorageError, the index being as it was then."""
    async with turn_at(store.folder) as turn:
        started = time.perf_counter()
        if store.docs is None:
            store.create(demand.start)
        with store.writing():
            with turn.moving():
                old = await asyncio.to_thread(_found, store, embedder, demand)
            pending = Pending(store.folder / "pending.sqlite", embedder.dimension)
            change = Change(store, demand.start, old.base)
            told = turn.telling(report)
            embedding = Embedding(embedder, pending, _with_vectors(old.remains.snapshot, embedder))
            ingest = Ingest(store=store, change=change, embedding=embedding, report=told)
            try:
                yield Session(
                    store=store,
                    turn=turn,
                    old=old,
                    change=change,
                    ingest=ingest,
                    report=told,
                    started=started,
                )
            except BaseException:
                change.abandon()
                raise
            pending.clear()


def _found(store: Store, embedder: Embedder, demand: Demand) -> OldIndex:
    """Return what the index was. Raises StorageError when it would have to be made anew."""
    if not store.holds_any():
        return OldIndex(base=None, remains=Remains(snapshot=None))
    compared = demand.thorough or (demand.may_rebuild and store.is_suspect)
    try:
        found = store.load()
        if compared:
            found.verify()
        elif demand.may_rebuild:
            found.verify_catalogues()
    except StorageError as error:
        if error.retryable or not demand.may_rebuild:
            raise
        remains = remains_of(store)
        reasons = (error.message, remains.told)
        return OldIndex(base=None, remains=remains, rebuilt="; ".join(filter(None, reasons)))
    other = _otherness(store, found.manifest, embedder, demand.start.splitter)
    if other and not demand.may_rebuild:
        raise StorageError(other, hint=store.hint)
    base = None if other else found
    return OldIndex(base=base, remains=Remains(snapshot=found), rebuilt=other, compared=compared)


def _otherness(store: Store, manifest: Manifest, embedder: Embedder, splitter: str) -> str:
    """Return why a whole index cannot be built upon; empty when it can."""
    try:
        require_embedder(store, manifest, embedder)
    except StorageError as error:
        return error.message
    return "" if manifest.splitter == splitter else OTHER_CUT


def _with_vectors(old: Snapshot | None, embedder: Embedder) -> Snapshot | None:
    """Return the old index if its vectors are such as the embedder makes."""
    return old if old and is_made_with(old.manifest, embedder) else None


def _names(lost: list[Skipped], most: int = 5) -> str:
    named = ", ".join(each.source for each in lost[:most])
    return named + (f" and {len(lost) - most} more" if len(lost) > most else "")
