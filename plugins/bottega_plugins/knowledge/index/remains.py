"""What is whole of an index that is made anew: documents that no folder has are taken from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bottega.errors import StorageError
from bottega_plugins.knowledge.documents.skipped import Skipped
from bottega_plugins.knowledge.index import manifest as manifests
from bottega_plugins.knowledge.index.manifest import Manifest, read_manifest
from bottega_plugins.knowledge.index.passage_file import load_chunk
from bottega_plugins.knowledge.index.record import NewDocument
from bottega_plugins.knowledge.index.segment import Segment
from bottega_plugins.knowledge.index.snapshot import Snapshot

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.catalogue import Span
    from bottega_plugins.knowledge.index.record import DocumentInfo
    from bottega_plugins.knowledge.index.store import Store


@dataclass(kw_only=True, slots=True)
class Remains:
    """The documents that can be taken over, and which cannot."""

    snapshot: Snapshot | None
    """What can be opened of the index; nothing in it is known to be whole but the catalogues."""
    told: str = ""
    """What is lost without a name; empty when nothing is."""
    lost: list[Skipped] = field(default_factory=list[Skipped])
    """The documents whose passages turned out to be damaged, with the reason."""

    async def documents(self) -> AsyncIterator[NewDocument]:
        """Yield the documents that were added by programs and are whole."""
        for segment, info, span in self._added():
            try:
                chunks = [load_chunk(line) for line in segment.passages.lines(*span)]
            except StorageError as error:
                if error.retryable:
                    raise
                self.lost.append(Skipped(source=info.source, reason=f"lost: {error.message}"))
                continue
            yield NewDocument(info=info, chunks=chunks)

    def _added(self) -> Iterator[tuple[Segment, DocumentInfo, Span]]:
        for segment in self.snapshot.segments if self.snapshot else ():
            for info, span in segment.documents():
                if info.origin == "added":
                    yield segment, info, span


def remains_of(store: Store) -> Remains:
    """Return what can be opened of a damaged index: the segments whose catalogue is whole.

    Raises StorageError, retryable, for what may be whole but cannot be read just now.
    """
    manifest = _whole_manifest(store)
    if manifest is None:
        return Remains(snapshot=None, told="what programs added to it is lost")
    segments: list[Segment] = []
    lost: list[str] = []
    for info in manifest.segments:
        try:
            segment = Segment(store.folder / info.name, info, manifest.dimension, lenient=True)
            segment.verify_catalogue()
        except StorageError as error:
            if error.retryable:
                raise
            lost.append(f"{info.name} (of {info.live_documents} documents)")
            continue
        segments.append(segment)
    kept = replace(manifest, segments=tuple(segment.info for segment in segments))
    told = f"what programs added is lost where it was in {', '.join(lost)}" if lost else ""
    return Remains(snapshot=Snapshot(kept, segments), told=told)


def _whole_manifest(store: Store) -> Manifest | None:
    for name in (manifests.NAME, manifests.COPY):
        with suppress(StorageError):
            manifest = read_manifest(store.folder, name)
            if manifest is not None:
                return manifest
    return None
