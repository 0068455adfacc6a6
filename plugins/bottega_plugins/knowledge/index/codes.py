"""Short codes for the vectors of a large segment that form no lists: all are looked at, quickly.

Where vectors have neighbourhoods a search looks into a few lists of `clusters`. Where they have
none it would look into nearly all of them. Then FAISS's fast scan over product quantisation (André,
Kermarrec and Le Scouarnec, "Cache locality is not enough", VLDB 2015; 4 bits for each two numbers)
finds candidates in a sixth of the time, and they are compared again with `vectors`. The codes are
read into memory by the first search that needs them.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega_plugins.knowledge.index import vectors
from bottega_plugins.knowledge.index.checksums import damaged
from bottega_plugins.knowledge.index.exact import RUN, compared, recall, true_nearest
from bottega_plugins.knowledge.index.manifest import ClusterInfo, CodeInfo
from bottega_plugins.knowledge.index.vectors import Vectors, faiss_module, opened, searched

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.checked_file import CheckedFile

NAME = "codes.faiss"
_ENOUGH = 0.95
"""Share of the true nearest that the candidates must have."""
_AT = 200
"""How many nearest that is measured with: as many as a search by words and vectors asks for."""
_TIMES = (2, 3, 5, 8, 12, 20)
"""Candidates for each passage that is asked for; the first that are enough are taken."""
_LEAST = 50
"""Passages that are asked for at least: of few, the codes confuse more."""
_SAMPLE = 16_384
"""Vectors that the codes are trained on."""
_QUERIES = 64
_MOST = 8
"""One vector in so many may be a candidate; beyond that the lists are as quick, and know more."""
_NO_USE = CodeInfo(times=0, recall=0.0)


class Codes:
    """Searches the vectors of a large segment. Threads may share it."""

    def __init__(self, file: CheckedFile, info: CodeInfo, exact: Vectors) -> None:
        self._file = file
        self._info = info
        self._exact = exact
        self._index: Any = None
        self._lock = threading.Lock()

    def nearest(
        self, query: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
        """Return the k passages nearest to a vector, best first, and their inner products.

        None when too few of the candidates may be returned: the lists are to be searched then.
        """
        count = self._exact.count
        matching = count if among is None else int(among.sum())
        wider = self._info.times * max(k, _LEAST)
        fetched = wider if among is None else wider * count // max(matching, 1) * 5 // 4
        if fetched * _MOST > count:
            return None
        numbers, _ = searched(self._opened(), query, fetched, None, None)
        if among is not None:
            numbers = numbers[among[numbers]][:wider]
        return compared(self._exact, numbers, query, k) if len(numbers) >= wider else None

    def _opened(self) -> Any:
        """Return the codes, which FAISS holds in memory."""
        with self._lock:
            if self._index is None:
                self._file.verify()
                index = opened(self._file)
                if (index.ntotal, index.d) != (self._exact.count, self._exact.dimension):
                    raise damaged(self._file.path, "it is of other vectors than the manifest says")
                self._index = index
            return self._index


def build(folder: Path, count: int, dimension: int, lists: ClusterInfo | None) -> CodeInfo | None:
    """Write the codes of the vectors in the folder, if they are of use; None where lists do."""
    if lists is None or not lists.is_wide:
        return None
    if dimension % 2:
        return _NO_USE
    import numpy as np

    faiss = faiss_module()
    rows = vectors.stored(folder, count, dimension)
    chance = np.random.default_rng(0)
    index = faiss.IndexPQFastScan(dimension, dimension // 2, 4, faiss.METRIC_INNER_PRODUCT)
    sample = np.sort(chance.choice(count, min(count, _SAMPLE), replace=False))
    index.train(rows[sample].astype(np.float32))
    for first in range(0, count, RUN):
        index.add(rows[first : first + RUN].astype(np.float32))
    queries = rows[np.sort(chance.choice(count, _QUERIES, replace=False))].astype(np.float32)
    made = _measured(index, queries, true_nearest(rows, queries, _AT))
    if made.times:
        faiss.write_index(index, str(folder / NAME))
    return made


def _measured(index: Any, queries: NDArray[np.float32], true: NDArray[np.int64]) -> CodeInfo:
    """Return how many candidates are enough, and the share of the true nearest among them."""
    for times in _TIMES:
        _, found = index.search(queries, times * _AT)
        share = recall(found, true)
        if share >= _ENOUGH:
            return CodeInfo(times=times, recall=share)
    return _NO_USE
