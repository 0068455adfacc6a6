"""Vectors of passages in a flat FAISS index: exact inner products, nothing approximate."""

from __future__ import annotations

import struct
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bottega.errors import StorageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FLAT = b"IxFI"  # how FAISS marks a flat inner-product index; dimension and count follow


class Vectors:
    """One vector a passage, in the passages' order."""

    def __init__(self, index: Any) -> None:
        self._index = index  # faiss.IndexFlatIP

    @classmethod
    def build(cls, rows: NDArray[np.float32]) -> Vectors:
        """Index rows of shape (passages, dimension)."""
        import numpy as np

        index = _faiss().IndexFlatIP(rows.shape[1])
        index.add(np.ascontiguousarray(rows, dtype=np.float32))
        return cls(index)

    @classmethod
    def from_bytes(cls, data: bytes, *, count: int, dimension: int) -> Vectors:
        """Read what `to_bytes` wrote. Raises StorageError when it is not of that shape.

        The shape is compared before FAISS sees the bytes: it allocates whatever they say.
        """
        import numpy as np

        said = (data[:4], *struct.unpack("<iq", data[4:16])) if len(data) >= 16 else ()
        if said != (_FLAT, dimension, count) or len(data) < count * dimension * 4:
            raise StorageError(f"not a flat index of {count} vectors with {dimension} dimensions")
        return cls(_faiss().deserialize_index(np.frombuffer(data, dtype=np.uint8)))

    def to_bytes(self) -> bytes:
        """Return the index as FAISS writes it to a file."""
        data: bytes = _faiss().serialize_index(self._index).tobytes()
        return data

    def rows(self) -> NDArray[np.float32]:
        """Return all vectors, shape (passages, dimension)."""
        rows: NDArray[np.float32] = self._index.reconstruct_n(0, self._index.ntotal)
        return rows

    def nearest(self, query: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """Return the k passages nearest to a vector, best first; none for a vector with NaN."""
        import numpy as np

        k = min(k, self._index.ntotal)
        if k == 0 or not np.isfinite(query).all():
            return np.empty(0, dtype=np.int64)
        _, found = self._index.search(np.ascontiguousarray(query.reshape(1, -1)), k)
        numbers: NDArray[np.int64] = found[0]
        return numbers[numbers >= 0]


def _faiss() -> Any:
    return import_module("faiss")  # its types are generated and partly unknown
