"""A change to an index: documents deleted and added, none of it visible before it is committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.index.manifest import Manifest, SegmentInfo
from bottega_plugins.knowledge.index.segment_writer import SegmentWriter
from bottega_plugins.knowledge.index.tombstones import write_tombstones

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.catalogue import Span
    from bottega_plugins.knowledge.index.record import NewDocument
    from bottega_plugins.knowledge.index.segment import Segment
    from bottega_plugins.knowledge.index.snapshot import Snapshot
    from bottega_plugins.knowledge.index.store import Store


class Change:
    """What becomes of an index; made and committed inside `Store.writing`.

    `start` says what the index is made with. Its segments are those that `base` has open; without a
    base it is made anew. The disk's errors come as they are.
    """

    def __init__(self, store: Store, start: Manifest, base: Snapshot | None) -> None:
        self._store = store
        self._start = start
        self._base = base
        self._writer: SegmentWriter | None = None
        self._deleted: dict[str, set[Span]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been changed."""
        return self._writer is None and not self._deleted

    def delete(self, source: str) -> bool:
        """Delete a document of the base; say whether there was one."""
        found = self._base.find(source) if self._base else None
        if found is None:
            return False
        segment, _, span = found
        deleted = self._deleted.setdefault(segment.info.name, set())
        if span in deleted:
            return False
        deleted.add(span)
        return True

    def append(self, document: NewDocument, rows: NDArray[np.float32]) -> bool:
        """Add a document with its vectors; say whether it replaces one of the base."""
        if self._writer is None:
            self._writer = SegmentWriter(self._store.folder, self._start.dimension)
        self._writer.append(document, rows)
        return self.delete(document.info.source)

    def commit(self) -> Manifest:
        """Write the rest and switch to the new state."""
        segments = list(self._kept()) if self._base else []
        if self._writer is not None:
            segments.append(self._writer.finish())
        manifest = replace(self._start, segments=tuple(segments))
        self._store.switch(manifest)
        return manifest

    def abandon(self) -> None:
        """Remove what was written, unless it has been switched to."""
        if self._writer is not None:
            self._writer.close()
        self._store.tidy()

    def _kept(self) -> Iterator[SegmentInfo]:
        for segment in self._segments():
            spans = self._deleted.get(segment.info.name, set())
            if not spans:
                yield segment.info
                continue
            deleted = write_tombstones(segment.folder, {*segment.dead, *spans})
            info = replace(segment.info, deleted=deleted)
            if info.live_passages:
                yield info

    def _segments(self) -> Iterable[Segment]:
        return self._base.segments if self._base else ()
