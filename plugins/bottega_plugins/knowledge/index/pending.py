"""Vectors that were computed and are not yet saved: what an interrupted update need not repeat."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import StorageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TABLE = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, check_sum INTEGER, data BLOB)"
_ASKED = 500
"""Keys in one query; SQLite takes a thousand in its oldest form."""


def text_key(embedder: str, text: str) -> bytes:
    """Return what a text's vector is kept under."""
    return hashlib.sha256(f"{embedder}\0{text}".encode("utf-8", "surrogatepass")).digest()


class Pending:
    """A file of vectors by text, as half floats, which is how an index keeps them.

    All of it can be computed again, so a damaged one is dropped.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        self._path = path
        self._dimension = dimension

    def find(self, keys: Iterable[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """Return the vectors that are there."""
        import numpy as np

        if not self._path.exists():
            return {}
        try:
            with closing(sqlite3.connect(self._path)) as base:
                rows = list(_found(base, iter(keys)))
        except sqlite3.DatabaseError:
            self.clear()
            return {}
        return {
            key: np.frombuffer(data, dtype="<f2").astype(np.float32)
            for key, check, data in rows
            if self._is_whole(check, data)
        }

    def _is_whole(self, check: int, data: bytes) -> bool:
        return len(data) == 2 * self._dimension and zlib.crc32(data) == check

    def add(self, keys: Sequence[bytes], rows: NDArray[np.float32]) -> None:
        """Keep vectors; they are there after a crash of the process. Raises StorageError."""
        blobs = [row.astype("<f2").tobytes() for row in rows]
        values = [(k, zlib.crc32(b), b) for k, b in zip(keys, blobs, strict=True)]
        try:
            with closing(sqlite3.connect(self._path)) as base, base:
                base.execute("PRAGMA synchronous=OFF")  # a lost vector is computed again
                base.execute(_TABLE)
                base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", values)
        except sqlite3.Error as error:
            raise StorageError(
                f"{self._path} cannot be written: {error}",
                hint="BOTTEGA_HOME names another folder for state",
            ) from error

    def clear(self) -> None:
        """Forget everything."""
        for suffix in ("", "-journal"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _found(base: sqlite3.Connection, keys: Iterator[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
    while asked := list(islice(keys, _ASKED)):
        marks = ", ".join("?" * len(asked))
        text = f"SELECT key, check_sum, data FROM vectors WHERE key IN ({marks})"  # noqa: S608  # only marks
        yield from base.execute(text, asked)
