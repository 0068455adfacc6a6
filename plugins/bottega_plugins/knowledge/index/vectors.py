"""The vectors of a segment: one row of half floats a passage, in a FAISS file, compared one by one.

The file is FAISS's own scalar quantiser (`QT_fp16`): a short head, then the rows. So FAISS can map
it, and rows can be read by their place without it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega_plugins.knowledge.index.checksums import damaged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.knowledge.index.checked_file import CheckedFile

NAME = "vectors.faiss"
_MARK = b"IxSQ"
"""How FAISS marks it. The dimension (32 bits) and the number of rows (64 bits) follow."""
_HEAD = 81
"""Bytes before the rows; the last eight say how many bytes these have."""
_SIGN_AND_NUMBER = -0x70002000
"""Bits of a float: its sign, the low 5 bits of its exponent and the high 10 of its fraction."""
_EXPONENT = 2.0**112
"""Between the exponents of a half and a float: 127 - 15."""


class VectorWriter:
    """Writes the vectors of a new segment."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self._dimension = dimension
        self._rows = 0
        self._file = (folder / NAME).open("xb")
        self._file.write(_head(dimension, 0))

    def append(self, rows: NDArray[np.float16] | NDArray[np.float32]) -> None:
        """Add rows of shape (passages, dimension)."""
        self._file.write(rows.astype("<f2").tobytes())
        self._rows += len(rows)

    def close(self) -> None:
        """End the file."""
        self._file.seek(0)
        self._file.write(_head(self._dimension, self._rows))
        self._file.close()

    def abandon(self) -> None:
        """Let go of the file as it is."""
        with suppress(OSError):  # a full disk refuses what was still to be written
            self._file.close()


class Vectors:
    """Reads and compares the vectors of a segment. Threads may share it."""

    def __init__(self, file: CheckedFile, *, count: int, dimension: int) -> None:
        self._file = file
        self.count = count
        self.dimension = dimension
        self._width = 2 * dimension
        self._index: Any = None

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the rows of passages, shape (passages, dimension)."""
        import numpy as np

        halves = self._file.rows(_HEAD, self._width, numbers).view("<i2")
        # as .view("<f2").astype(np.float32), in a fifth of the time: no row has infinite numbers
        bits = halves.astype(np.int32)
        bits <<= 13
        bits &= _SIGN_AND_NUMBER
        rows = bits.view(np.float32)
        rows *= _EXPONENT
        return rows

    def run(self, start: int, stop: int) -> NDArray[np.float16]:
        """Return neighbouring rows as they are stored."""
        import numpy as np

        place = _HEAD + start * self._width
        data = self._file.read(place, place + (stop - start) * self._width)
        return np.frombuffer(data, dtype="<f2").reshape(-1, self.dimension)

    def nearest(
        self, query: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the k passages nearest to a vector, best first, and their inner products."""
        self._file.verify()
        if self._index is None:
            self._index = self._open()
        faiss = faiss_module()
        return searched(self._index, query, k, among, faiss.SearchParameters)

    def _open(self) -> Any:
        head = self._file.read(0, min(_HEAD, self._file.size))
        if head != _head(self.dimension, self.count):
            raise damaged(
                self._file.path,
                f"it is not {self.count} vectors with {self.dimension} dimensions",
            )
        return mapped(self._file)


def file_size(count: int, dimension: int) -> int:
    """Return how many bytes the file of so many vectors has."""
    return _HEAD + 2 * count * dimension


def stored(folder: Path, count: int, dimension: int) -> NDArray[np.float16]:
    """Return the rows of a segment that is being written, mapped, shape (count, dimension)."""
    import numpy as np

    path, offset = folder / NAME, file_size(0, dimension)
    return np.memmap(path, dtype="<f2", mode="r", offset=offset, shape=(count, dimension))


def searched(
    index: Any,
    query: NDArray[np.float32],
    k: int,
    among: NDArray[np.bool_] | None,
    parameters: Callable[..., Any] | None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k nearest that FAISS finds, by number, and their inner products."""
    import numpy as np

    options: dict[str, Any] = {}
    if among is not None:
        bits = np.packbits(among, bitorder="little")  # FAISS keeps a pointer to it
        options["sel"] = faiss_module().IDSelectorBitmap(bits)
    row = np.ascontiguousarray(query.reshape(1, -1), dtype=np.float32)
    with _one_thread():
        products, found = index.search(row, k, params=parameters and parameters(**options))
    numbers: NDArray[np.int64] = found[0]
    return numbers[numbers >= 0], products[0][numbers >= 0]


@contextmanager
def _one_thread() -> Generator[None]:
    """Keep FAISS from waking other threads, which have no part in a single query.

    On a busy machine the wait for them takes a hundred times as long as the search. The setting is
    the calling thread's own.
    """
    faiss = faiss_module()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def mapped(file: CheckedFile) -> Any:
    """Return a verified file as a FAISS index that is mapped, not read."""
    return opened(file, faiss_module().IO_FLAG_MMAP_IFC)


def opened(file: CheckedFile, flags: int = 0) -> Any:
    """Return a verified file as a FAISS index; without flags it is read into memory."""
    try:
        return faiss_module().read_index(file.address, flags)
    except RuntimeError as error:
        raise damaged(file.path, str(error).splitlines()[0]) from None


def faiss_module() -> Any:
    """Return FAISS; its types are generated and partly unknown."""
    return import_module("faiss")


def _head(dimension: int, count: int) -> bytes:
    """Return what FAISS writes before the rows, whatever their number."""
    faiss = faiss_module()
    kind, metric = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    empty = faiss.serialize_index(faiss.IndexScalarQuantizer(dimension, kind, metric)).tobytes()
    sized = struct.pack("<4siq", _MARK, dimension, count)
    middle: bytes = empty[len(sized) : -8]
    return sized + middle + struct.pack("<Q", count * dimension * 2)
