"""Everything that changes an index: update from a folder, add, delete. One writer at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import StorageError
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.documents.skipped import Skipped
from bottega_plugins.knowledge.index import merge, postings
from bottega_plugins.knowledge.index.change import Change
from bottega_plugins.knowledge.index.embedding import Embedding
from bottega_plugins.knowledge.index.ingest import Ingest, to_the_end
from bottega_plugins.knowledge.index.intake import Intake
from bottega_plugins.knowledge.index.manifest import Manifest
from bottega_plugins.knowledge.index.passage_file import load_chunk
from bottega_plugins.knowledge.index.pending import Pending
from bottega_plugins.knowledge.index.progress import Progress, Report, UpdateReport, silent
from bottega_plugins.knowledge.index.record import NewDocument
from bottega_plugins.knowledge.index.seen import SeenFiles
from bottega_plugins.knowledge.index.store import Store, is_made_with, require_embedder
from bottega_plugins.knowledge.index.survey import Survey, survey

if TYPE_CHECKING:
    from bottega.embedder import Embedder
    from bottega_plugins.knowledge.documents.reader import DocumentReader
    from bottega_plugins.knowledge.index.snapshot import Snapshot

_NOTHING = "the index does not exist"
OTHER_CUT = "this version of Bottega cuts documents otherwise, or weighs their words otherwise"


@dataclass(kw_only=True, slots=True)
class _Session:
    """One change while it is made."""

    change: Change
    ingest: Ingest
    base: Snapshot | None
    """What the change builds upon."""
    old: Snapshot | None
    """What the index was, if it can be read; other than the base when it is made anew."""
    rebuilt: str
    """Why it is made anew; empty when it is not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexWriter:
    """Writes one index. Every method raises StorageError, the index being as it was then."""

    store: Store
    embedder: Embedder
    reader: DocumentReader

    @property
    def version(self) -> str:
        """Another one when the same documents would give another index."""
        return f"{self.reader.version} {postings.K1}:{postings.B}"

    async def update(self, docs: Path, report: Report) -> UpdateReport:
        """Bring the index in line with a folder; one that cannot be built upon is made anew."""
        started = time.perf_counter()
        async with self._session(report, may_rebuild=True) as session:
            seen = SeenFiles(self.store.folder / "seen.sqlite", self.reader.version)
            before = {} if session.base is None else await asyncio.to_thread(seen.load)
            found = await survey(
                docs, session.base, before, leave_out=self.store.folder.parent, report=report
            )
            if session.base is None:
                await session.ingest.take(_carried(session.old))
                session.ingest.forget()
            session.ingest.total = len(found.to_read)
            async with aclosing(self._intake().files(found)) as fresh:
                await session.ingest.take(fresh)
            deleted = await asyncio.to_thread(_delete_gone, session.change, found)
            made = await self._commit(session, report)
            await asyncio.to_thread(seen.save, found.seen)
        return replace(
            self._report(session, made, found.skipped, started),
            deleted=deleted,
            unchanged=found.unchanged,
        )

    async def add(self, documents: AsyncIterator[Document], report: Report) -> UpdateReport:
        """Add documents as they come; one of a known source replaces that."""
        started = time.perf_counter()
        intake = self._intake()
        async with self._session(report, may_rebuild=False) as session:
            async with aclosing(intake.given(documents, session.base)) as fresh:
                await session.ingest.take(fresh)
            made = await self._commit(session, report)
        told = self._report(session, made, intake.skipped, started)
        return replace(told, unchanged=len(intake.unchanged))

    async def delete(self, sources: Iterable[str]) -> int:
        """Delete documents; return how many there were."""
        async with self._session(silent, may_rebuild=False) as session:
            wanted = list(sources)
            with self.store.hinted():
                deleted = await asyncio.to_thread(lambda: sum(map(session.change.delete, wanted)))
            await self._commit(session, silent)
        return deleted

    def _intake(self) -> Intake:
        return Intake(store=self.store, reader=self.reader)

    @asynccontextmanager
    async def _session(self, report: Report, *, may_rebuild: bool) -> AsyncGenerator[_Session]:
        start = Manifest(
            embedder=self.embedder.name, dimension=self.embedder.dimension, splitter=self.version
        )
        if self.store.docs is None:
            self.store.create(start)
        with self.store.writing():
            old, rebuilt = await asyncio.to_thread(self._old, all_of_it=may_rebuild)
            if rebuilt not in {"", _NOTHING} and not may_rebuild:
                raise StorageError(rebuilt, hint=self.store.hint)
            base = None if rebuilt else old
            change = Change(self.store, start, base)
            pending = Pending(self.store.folder / "pending.sqlite", self.embedder.dimension)
            vectors = old if old and is_made_with(old.manifest, self.embedder) else None
            embedding = Embedding(self.embedder, pending, vectors)
            ingest = Ingest(store=self.store, change=change, embedding=embedding, report=report)
            session = _Session(change=change, ingest=ingest, base=base, old=old, rebuilt=rebuilt)
            try:
                yield session
            except BaseException:
                change.abandon()
                raise
            pending.clear()

    def _old(self, *, all_of_it: bool) -> tuple[Snapshot | None, str]:
        """Return what the index was, if it can be read, and why it cannot be built upon.

        Damage anywhere in it is found when `all_of_it` is compared with its digests.
        """
        if not self.store.holds_any():
            return None, _NOTHING
        try:
            old = self.store.load()
            if all_of_it:
                old.verify()
        except StorageError as error:
            saved, lost = self.store.salvage()
            return saved, "; ".join(filter(None, (error.message, lost)))
        try:
            require_embedder(self.store, old.manifest, self.embedder)
        except StorageError as error:
            return old, error.message
        return old, OTHER_CUT if old.manifest.splitter != self.version else ""

    async def _commit(self, session: _Session, report: Report) -> Manifest:
        """Make the change the present state, then merge what has become many."""
        report(Progress(stage="save", done=0, total=1))
        if session.base is not None and session.change.is_empty:
            manifest = session.base.manifest
        else:
            manifest = await to_the_end(self._switch, session.change)
        with suppress(StorageError):  # what was asked for is done, and the next update merges
            manifest = await to_the_end(self._merge, manifest)
        report(Progress(stage="save", done=1, total=1))
        return manifest

    def _switch(self, change: Change) -> Manifest:
        with self.store.disk_errors():
            return change.commit()

    def _merge(self, manifest: Manifest) -> Manifest:
        snapshot: Snapshot | None = None
        while places := merge.due(manifest.segments):
            with self.store.disk_errors():
                snapshot = self.store.load(snapshot)
                manifest = merge.merge(self.store, snapshot, places)
        return manifest

    def _report(
        self, session: _Session, made: Manifest, skipped: Iterable[Skipped], started: float
    ) -> UpdateReport:
        return UpdateReport(
            added=session.ingest.added,
            changed=session.ingest.changed,
            skipped=tuple(skipped),
            documents=made.documents,
            chunks=made.passages,
            embedded=session.ingest.embedding.computed,
            seconds=time.perf_counter() - started,
            rebuilt="" if session.rebuilt == _NOTHING else session.rebuilt,
        )


async def _carried(old: Snapshot | None) -> AsyncIterator[NewDocument]:
    """Yield the documents that were added by programs: no folder has them, so they are kept."""
    for segment in old.segments if old else ():
        for info, span in segment.documents():
            if info.origin == "added":
                chunks = [load_chunk(line) for line in segment.passages.lines(*span)]
                yield NewDocument(info=info, chunks=chunks)


def _delete_gone(change: Change, found: Survey) -> int:
    return sum(map(change.delete, found.gone))
