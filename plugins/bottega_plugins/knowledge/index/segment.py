"""One segment, open for reading: its documents, passages, vectors and words, by number.

Passages are numbered from 0 here; the snapshot adds where the segment begins. Opening it reads the
table of block digests and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import StorageError
from bottega_plugins.knowledge.index import (
    catalogue,
    clusters,
    codes,
    passage_file,
    postings,
    vectors,
)
from bottega_plugins.knowledge.index.catalogue import Catalogue, Span
from bottega_plugins.knowledge.index.checked_file import CheckedFile, LostFile
from bottega_plugins.knowledge.index.checksums import (
    TABLE,
    block_digests,
    damaged,
    recovered_digests,
)
from bottega_plugins.knowledge.index.clusters import Clusters
from bottega_plugins.knowledge.index.codes import Codes
from bottega_plugins.knowledge.index.manifest import SegmentInfo
from bottega_plugins.knowledge.index.passage_file import PassageFile
from bottega_plugins.knowledge.index.postings import Postings
from bottega_plugins.knowledge.index.tombstones import read_tombstones
from bottega_plugins.knowledge.index.vectors import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.record import DocumentInfo

_FILES = (
    *(catalogue.NAME, vectors.NAME, passage_file.LINES, passage_file.OFFSETS),
    *(postings.STARTS, postings.PASSAGES, postings.SCORES, postings.LENGTHS),
)


class Segment:
    """A segment. Threads may share it."""

    def __init__(
        self, folder: Path, info: SegmentInfo, dimension: int, *, lenient: bool = False
    ) -> None:
        """Open all files, or those that can be opened: the others then fail when they are used."""
        self.folder = folder
        self.info = info
        names = [*_FILES, *([clusters.NAME] if info.clusters else [])]
        names += [codes.NAME] if info.codes and info.codes.times else []
        for name in (TABLE, *names):
            if name not in info.files:
                raise damaged(folder, f"the manifest does not know its file {name}")
        self._files = self._opened(names, lenient=lenient)
        self._require_sizes(dimension)
        self.dead = read_tombstones(folder, info.deleted)
        """The documents that are deleted, in order."""
        self.catalogue = Catalogue(self._files[catalogue.NAME])
        lines, offsets = self._files[passage_file.LINES], self._files[passage_file.OFFSETS]
        self.passages = PassageFile(lines, offsets)
        count = info.passages
        self.vectors = Vectors(self._files[vectors.NAME], count=count, dimension=dimension)
        self.clusters = None
        if info.clusters:
            self.clusters = Clusters(self._files[clusters.NAME], info.clusters, self.vectors)
        self.codes = None
        if info.codes and info.codes.times:
            self.codes = Codes(self._files[codes.NAME], info.codes, self.vectors)
        self.postings = Postings(self._files, info.words / max(1, count))

    def _opened(self, names: Iterable[str], *, lenient: bool) -> dict[str, CheckedFile]:
        infos = self.info.files
        try:
            digests = block_digests(self.folder, infos)
        except StorageError as error:
            if not lenient or error.retryable:
                raise
            digests = recovered_digests(self.folder, infos)
        found: dict[str, CheckedFile] = {}
        for name in names:
            path, size = self.folder / name, infos[name].bytes
            try:
                found[name] = CheckedFile(path, size, digests[name])
            except StorageError as error:
                if not lenient or error.retryable:
                    raise
                found[name] = LostFile(path, size, error)
        return found

    def _require_sizes(self, dimension: int) -> None:
        """Raise StorageError when files cannot have what the manifest says."""
        count = self.info.passages
        expected = {
            vectors.NAME: vectors.file_size(count, dimension),
            passage_file.OFFSETS: 8 * (count + 1),
            postings.LENGTHS: 4 * count,
            postings.PASSAGES: self._files[postings.SCORES].size,
        }
        for name, size in expected.items():
            if self._files[name].size != size:
                raise damaged(self.folder / name, f"{count} passages do not fit its size")

    @cached_property
    def live(self) -> NDArray[np.bool_] | None:
        """Which passages are not deleted; None when all are there."""
        if not self.dead:
            return None
        import numpy as np

        mask = np.ones(self.info.passages, dtype=bool)
        for first, stop in self.dead:
            mask[first:stop] = False
        return mask

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(info.bytes for info in self.info.files.values())

    def is_live(self, span: Span) -> bool:
        """Say whether a document is not deleted."""
        return self.live is None or bool(self.live[span[0]])

    def documents(self) -> Iterator[tuple[DocumentInfo, Span]]:
        """Yield the documents that are not deleted, in order."""
        return (each for each in self.catalogue.documents() if self.is_live(each[1]))

    def nearest(
        self, query: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the k live passages nearest to a vector and their inner products, best first."""
        if self.live is not None:
            among = self.live if among is None else among & self.live
        found = self.codes.nearest(query, k, among) if self.codes else None
        return found or (self.clusters or self.vectors).nearest(query, k, among)

    def verify(self) -> None:
        """Compare every byte with its digest. Raises StorageError, naming the damaged file."""
        for file in self._files.values():
            file.verify()

    def verify_catalogue(self) -> None:
        """Compare what says which documents there are."""
        self._files[catalogue.NAME].verify()

    def with_deleted(self, info: SegmentInfo) -> Segment:
        """Return this segment in a later state, which differs in what is deleted alone."""
        if info == self.info:
            return self
        later = copy.copy(self)  # the files stay open, and what is verified stays so
        later.__dict__.pop("live", None)
        later.info = info
        later.dead = read_tombstones(self.folder, info.deleted)
        return later
