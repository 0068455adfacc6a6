"""A trained index for the vectors of a large segment: lists of near vectors, of 8 bits a number.

FAISS's inverted file (Jégou, Douze and Schmid, 2011) over a scalar quantiser finds candidates; they
are compared again with the half floats of `vectors`. How many lists a search looks into is raised
until it finds nearly all of what an exact search finds, and both numbers go into the manifest.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega_plugins.knowledge.index import vectors
from bottega_plugins.knowledge.index.checksums import damaged
from bottega_plugins.knowledge.index.exact import RUN, compared, recall, true_nearest
from bottega_plugins.knowledge.index.manifest import ClusterInfo
from bottega_plugins.knowledge.index.vectors import Vectors, faiss_module, mapped, searched

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.checked_file import CheckedFile

NAME = "clusters.faiss"
MOST_FLAT = 50_000
"""Passages up to which every vector is compared."""
_ENOUGH = 0.95
"""Recall at 10 at which no more lists are looked into."""
_A_CENTRE = 40
"""Vectors that a centre is trained on; FAISS asks for 39."""
_WIDER = 50
"""How many more than were asked for are compared exactly: 8 bits confuse those near the end."""
_SPARE = 2
"""How many times as many passages as are asked for the lists have on average."""
_NUMBER = 8
"""Bytes of a vector's number in a list; its code has a byte for each dimension."""
_QUERIES = 64
_ITERATIONS = 10


class Clusters:
    """Searches the vectors of a large segment. Threads may share it."""

    def __init__(self, file: CheckedFile, info: ClusterInfo, exact: Vectors) -> None:
        self._file = file
        self._info = info
        self._exact = exact
        self._index: Any = None
        self._ends: NDArray[np.int64]
        """Where in the file each list begins; after the last, where it ends."""

    def nearest(
        self, query: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the k passages nearest to a vector, best first, and their inner products."""
        import functools

        self._open()
        matching = self._index.ntotal if among is None else int(among.sum())
        wanted, probes = min(k, matching), self._probes(k, matching)
        wider = min(k + _WIDER, matching)
        while True:
            self._verify_lists(query, probes)
            options = functools.partial(faiss_module().SearchParametersIVF, nprobe=probes)
            numbers, _ = searched(self._index, query, wider, among, options)
            if len(numbers) >= wanted or probes == self._info.lists:
                break
            probes = min(4 * probes, self._info.lists)
        return compared(self._exact, numbers, query, k)

    def _open(self) -> None:
        """Map the file; what stands before the lists is verified, for FAISS reads it at once."""
        self._file.require_size()
        if self._index is None:
            lists = self._exact.count * (self._exact.dimension + _NUMBER)
            self._file.verify_part(0, max(0, self._file.size - lists))
            index = mapped(self._file)
            if index.ntotal != self._exact.count or index.nlist != self._info.lists:
                raise damaged(self._file.path, "it is of other vectors than the manifest says")
            self._ends = _ends(index, self._file.size)
            self._index = index

    def _verify_lists(self, query: NDArray[np.float32], probes: int) -> None:
        """Compare the lists that a search will look into: the whole file is rarely needed."""
        if probes == self._info.lists:
            self._file.verify()
            return
        centres = faiss_module().downcast_index(self._index.quantizer)
        chosen, _ = searched(centres, query, probes, None, faiss_module().SearchParameters)
        for each in chosen.tolist():
            self._file.verify_part(*self._ends[each : each + 2].tolist())

    def _probes(self, k: int, matching: int) -> int:
        """Return how many lists to look into first.

        More where a filter leaves few passages in each, or where very many are asked for.
        """
        lists, share = self._info.lists, max(matching, 1) / max(self._index.ntotal, 1)
        fewest = _SPARE * k * lists // max(matching, 1)
        return min(lists, max(int(self._info.probes / share), fewest))


def build(folder: Path, count: int, dimension: int) -> ClusterInfo | None:
    """Train an index over the vectors in the folder and write it; None when they are few."""
    if count <= MOST_FLAT:
        return None
    import numpy as np

    faiss = faiss_module()
    rows = vectors.stored(folder, count, dimension)
    lists = _lists(count)
    chance = np.random.default_rng(0)
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension),
        *(dimension, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT),
    )
    index.cp.niter = _ITERATIONS
    sample = np.sort(chance.choice(count, min(count, _A_CENTRE * lists), replace=False))
    index.train(rows[sample].astype(np.float32))
    for first in range(0, count, RUN):
        index.add(rows[first : first + RUN].astype(np.float32))
    queries = rows[np.sort(chance.choice(count, _QUERIES, replace=False))].astype(np.float32)
    probes, found = _probes(index, queries, true_nearest(rows, queries, 10), lists)
    faiss.write_index(index, str(folder / NAME))
    return ClusterInfo(lists=lists, probes=probes, recall=found)


def _ends(index: Any, size: int) -> NDArray[np.int64]:
    """Return where each list of a file of FAISS begins and where the last ends.

    The lists are the last thing in it, one after the other: a code and a number for each vector.
    """
    import numpy as np

    widths = [index.invlists.list_size(number) for number in range(index.nlist)]
    behind = np.cumsum([0, *widths[::-1]])[::-1] * (index.code_size + _NUMBER)
    ends: NDArray[np.int64] = size - behind
    return ends


def _lists(count: int) -> int:
    """Return twice the square root, to a power of two."""
    return 1 << round(float(2 * count**0.5)).bit_length() - 1


def _probes(
    index: Any, queries: NDArray[np.float32], true: NDArray[np.int64], lists: int
) -> tuple[int, float]:
    """Return how many lists are enough to look into, and the recall at ten with that.

    For vectors without any structure that is all of them; `codes` are quicker then.
    """
    faiss = faiss_module()
    probes, share = 2, 0.0
    while share < _ENOUGH and probes < lists:
        probes = min(2 * probes, lists)
        _, found = index.search(
            queries, 10 + _WIDER, params=faiss.SearchParametersIVF(nprobe=probes)
        )
        share = recall(found, true)
    return probes, share
