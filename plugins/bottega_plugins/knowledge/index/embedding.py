"""Vectors for new passages: those that are known already are not computed again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from bottega.errors import StorageError
from bottega_plugins.knowledge.documents.chunk import embedded_text
from bottega_plugins.knowledge.index.passage_file import load_chunk
from bottega_plugins.knowledge.index.pending import Pending, text_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega.embedder import Embedder
    from bottega_plugins.knowledge.index.catalogue import Span
    from bottega_plugins.knowledge.index.record import DocumentInfo, NewDocument
    from bottega_plugins.knowledge.index.segment import Segment
    from bottega_plugins.knowledge.index.snapshot import Snapshot

BATCH = 64
"""Passages that are embedded, and kept, at a time."""

_Vectors = dict[bytes, "NDArray[np.float32]"]


class Embedding:
    """Finds or computes the vectors of documents.

    A vector is known when an interrupted update has left it, or when the index has a document of
    the same source or the same bytes with a passage of the same text.
    """

    def __init__(self, embedder: Embedder, pending: Pending, old: Snapshot | None) -> None:
        self._embedder = embedder
        self._pending = pending
        self._old = old
        self.computed = 0
        """How many had to be computed."""

    async def rows(
        self, documents: Sequence[NewDocument], told: Callable[[], object]
    ) -> list[NDArray[np.float32]]:
        """Return the vectors of each document, shape (passages, dimension).

        `told` is called after each batch. Raises StorageError for vectors of another shape.
        """
        import numpy as np

        texts = [[embedded_text(d.info.title, c) for c in d.chunks] for d in documents]
        by_key = {self._key(text): text for each in texts for text in each}
        vectors = await asyncio.to_thread(self._known, documents, by_key)
        missing = [key for key in by_key if key not in vectors]
        for start in range(0, len(missing), BATCH):
            keys = missing[start : start + BATCH]
            rows = self._checked(await self._embedder.embed([by_key[k] for k in keys]), len(keys))
            await asyncio.to_thread(self._pending.add, keys, rows)
            vectors.update(zip(keys, rows, strict=True))
            self.computed += len(keys)
            told()
        return [np.stack([vectors[self._key(text)] for text in each]) for each in texts]

    def _key(self, text: str) -> bytes:
        return text_key(self._embedder.name, text)

    def _known(self, documents: Sequence[NewDocument], wanted: Iterable[bytes]) -> _Vectors:
        vectors = self._pending.find(wanted)
        for document in documents if self._old else ():
            with suppress(StorageError):  # damaged ones are computed again
                for segment, info, span in self._alike(document.info):
                    vectors.update(self._of_old(segment, info, span))
        return vectors

    def _alike(self, info: DocumentInfo) -> Iterator[tuple[Segment, DocumentInfo, Span]]:
        """Yield the old documents that may share texts with a new one."""
        if self._old is None:
            return
        found = self._old.find(info.source)
        if found:
            yield found
        if found is None or found[1].sha256 != info.sha256:
            for segment in self._old.segments:
                for old, span in segment.catalogue.with_sha256(info.sha256, 1):
                    yield segment, old, span

    def _of_old(self, segment: Segment, info: DocumentInfo, span: Span) -> _Vectors:
        import numpy as np

        rows = segment.vectors.run(*span).astype(np.float32)
        chunks = map(load_chunk, segment.passages.lines(*span))
        return {
            self._key(embedded_text(info.title, chunk)): row
            for chunk, row in zip(chunks, rows, strict=True)
        }

    def _checked(self, rows: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """Return the rows; those with NaN become zero: they are found by their words alone."""
        import numpy as np

        expected = (count, self._embedder.dimension)
        if rows.shape != expected:
            raise StorageError(
                f"the embedder {self._embedder.name!r} returned vectors of shape {rows.shape}, "
                f"not {expected}"
            )
        return np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, np.float32(0))
