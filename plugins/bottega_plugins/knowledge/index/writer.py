"""Everything that changes an index: update from a folder, add, delete, repair.

One writer at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import StorageError
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.index import postings
from bottega_plugins.knowledge.index.change import Change
from bottega_plugins.knowledge.index.intake import Intake
from bottega_plugins.knowledge.index.manifest import Manifest
from bottega_plugins.knowledge.index.progress import Report, UpdateReport, silent
from bottega_plugins.knowledge.index.seen import SeenFiles
from bottega_plugins.knowledge.index.session import Demand, Session, session
from bottega_plugins.knowledge.index.store import Store
from bottega_plugins.knowledge.index.survey import Survey, survey

if TYPE_CHECKING:
    from bottega.embedder import Embedder
    from bottega_plugins.knowledge.documents.reader import DocumentReader


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

    async def update(self, docs: Path, report: Report, *, thorough: bool = False) -> UpdateReport:
        """Bring the index in line with a folder; one that cannot be built upon is made anew.

        Every byte is compared with its digest when that is asked for, or when damage was seen
        since the last time; otherwise those of the catalogues, and of other files the length.
        """
        async with self._session(report, may_rebuild=True, thorough=thorough) as now:
            seen = SeenFiles(self.store.folder / "seen.sqlite", self.reader.version)
            before = {} if now.base is None else await asyncio.to_thread(seen.load)
            found = await survey(
                docs, now.base, before, leave_out=self.store.folder.parent, report=now.report
            )
            await now.take_over()
            now.ingest.total = len(found.to_read)
            async with aclosing(self._intake().files(found)) as fresh:
                await now.ingest.take(now.turn.through(fresh))
            deleted = await asyncio.to_thread(_delete_gone, now.change, found)
            made = await now.commit()
            await asyncio.to_thread(seen.save, found.seen)
        told = now.told(made, found.skipped)
        return replace(told, deleted=deleted, unchanged=found.unchanged)

    async def repair(self, report: Report) -> UpdateReport:
        """Compare every byte of an index by itself; one that is damaged is made anew.

        The documents that are lost are among the skipped ones. Raises StorageError when all are.
        """
        async with self._session(report, may_rebuild=True, thorough=True) as now:
            if now.base is None and now.old.remains.snapshot is None:
                hint = f"remove {self.store.folder} and add the documents again"
                raise StorageError(now.old.rebuilt, hint=hint)
            await now.take_over()
            made = await now.commit()
        return now.told(made, ())

    async def add(self, documents: AsyncIterator[Document], report: Report) -> UpdateReport:
        """Add documents as they come; one of a known source replaces that."""
        intake = self._intake()
        async with self._session(report) as now:
            given = intake.given(now.turn.through(documents), now.base)
            async with aclosing(given) as fresh:
                await now.ingest.take(fresh)
            made = await now.commit()
        return replace(now.told(made, intake.skipped), unchanged=len(intake.unchanged))

    async def delete(self, sources: Iterable[str]) -> int:
        """Delete documents; return how many there were."""
        async with self._session(silent) as now:
            wanted = list(sources)
            with self.store.hinted():
                deleted = await asyncio.to_thread(lambda: sum(map(now.change.delete, wanted)))
            await now.commit()
        return deleted

    def _intake(self) -> Intake:
        return Intake(store=self.store, reader=self.reader)

    def _session(
        self, report: Report, *, may_rebuild: bool = False, thorough: bool = False
    ) -> AbstractAsyncContextManager[Session]:
        start = Manifest(
            embedder=self.embedder.name, dimension=self.embedder.dimension, splitter=self.version
        )
        demand = Demand(start=start, may_rebuild=may_rebuild, thorough=thorough)
        return session(self.store, self.embedder, report, demand)


def _delete_gone(change: Change, found: Survey) -> int:
    return sum(map(change.delete, found.gone))
