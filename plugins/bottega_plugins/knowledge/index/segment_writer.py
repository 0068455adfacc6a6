"""Writing one new segment, document by document; nothing of it is used before it is sealed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.documents.chunk import embedded_text
from bottega_plugins.knowledge.index import clusters, codes
from bottega_plugins.knowledge.index.catalogue import CatalogueWriter
from bottega_plugins.knowledge.index.checksums import seal
from bottega_plugins.knowledge.index.manifest import SegmentInfo
from bottega_plugins.knowledge.index.passage_file import PassageWriter, load_chunk
from bottega_plugins.knowledge.index.postings_writer import PostingsWriter
from bottega_plugins.knowledge.index.record import NewDocument
from bottega_plugins.knowledge.index.tombstones import write_tombstones
from bottega_plugins.knowledge.index.vectors import VectorWriter
from bottega_plugins.knowledge.words import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.segment import Segment

PREFIX = "segment-"
_RUN = 4_096
"""Vectors that are copied at once."""


class SegmentWriter:
    """Takes documents and their vectors in order; a later one replaces one of the same source.

    Memory stays bounded but for the vocabulary. Errors of the disk come as OSError or
    `sqlite3.Error`.
    """

    def __init__(self, index: Path, dimension: int) -> None:
        self.folder = index / f"{PREFIX}{os.urandom(6).hex()}"
        self.folder.mkdir()
        self._dimension = dimension
        self._passages = PassageWriter(self.folder)
        self._vectors = VectorWriter(self.folder, dimension)
        self._words = PostingsWriter(self.folder)
        self._catalogue = CatalogueWriter(self.folder)
        self.documents = 0
        self.passages = 0

    def append(
        self, document: NewDocument, rows: NDArray[np.float32] | NDArray[np.float16]
    ) -> None:
        """Add a document; rows have shape (passages, dimension)."""
        self._catalogue.add(document, self.passages)
        self._passages.append(document.chunks)
        self._vectors.append(rows)
        for chunk in document.chunks:
            self._words.append(words(embedded_text(document.info.title, chunk)))
        self.documents += 1
        self.passages += len(document.chunks)

    def adopt(self, old: Segment) -> None:
        """Add the live documents of another segment; nothing is computed again."""
        import numpy as np

        for info, (first, stop) in old.documents():
            lines = list(old.passages.lines(first, stop))
            document = NewDocument(info=info, chunks=[load_chunk(line) for line in lines])
            self._catalogue.add(document, self.passages)
            self._passages.append_lines(lines)
            self.documents += 1
            self.passages += len(lines)
        count = old.info.passages
        kept = np.ones(count, dtype=bool) if old.live is None else old.live
        for first in range(0, count, _RUN):
            stop = min(first + _RUN, count)
            self._vectors.append(old.vectors.run(first, stop)[kept[first:stop]])
        self._words.adopt(old.postings, old.catalogue.words(), kept)

    def finish(self) -> SegmentInfo:
        """End the files and seal them; the segment can be named in a manifest then."""
        self._passages.close()
        self._vectors.close()
        vocabulary, count = self._words.finish()
        self._catalogue.add_words(vocabulary)
        replaced = self._catalogue.close()
        lists = clusters.build(self.folder, self.passages, self._dimension)
        short = codes.build(self.folder, self.passages, self._dimension, lists)
        return SegmentInfo(
            name=self.folder.name,
            documents=self.documents,
            passages=self.passages,
            words=count,
            files=seal(self.folder),
            clusters=lists,
            codes=short,
            deleted=write_tombstones(self.folder, replaced),
        )

    def close(self) -> None:
        """Let go of the files as they are."""
        for part in (self._passages, self._vectors, self._catalogue):
            part.abandon()
