"""A file of an index that is read in places, each block compared with its digest at first touch."""

from __future__ import annotations

import hashlib
import mmap
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.errors import StorageError
from bottega_plugins.knowledge.index.checksums import BLOCK, DIGEST, damaged, unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike, NDArray

_THREADS = 2
_STRETCH = 128
"""Blocks that are hashed without a pause when a whole file is verified."""


class CheckedFile:
    """An open file; it stays readable when a writer removes it.

    Most bytes are read by `pread`. Vectors are mapped, by `rows` and by FAISS, and a file's size is
    looked at before: one that was cut short is an error then. Only when that happens between the
    look and the use does the system end the process. Threads may share it. Every method raises
    StorageError, naming the file, for what is not as it was written.
    """

    def __init__(self, path: Path, size: int, digests: memoryview) -> None:
        self.path = path
        self.size = size
        self._digests = digests
        self._known = bytearray(len(digests) // DIGEST)  # 1 for each verified block
        self._all_known = False
        self._mapping: mmap.mmap | None = None
        self._descriptor = -1
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise StorageError(f"{path} is missing") from None
        except OSError as error:
            raise unreadable(path, error) from None
        try:
            self.require_size()
        except StorageError:
            self.close()
            raise

    @property
    def address(self) -> str:
        """A path under which another library can open the very same file, removed or not."""
        handle = f"/proc/self/fd/{self._descriptor}"
        return handle if os.path.exists(handle) else str(self.path)  # noqa: PTH110  # a handle

    def close(self) -> None:
        """Let go of the file; it is not read afterwards."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()

    def require_size(self) -> None:
        """Raise StorageError when the file has become shorter or longer."""
        found = os.fstat(self._descriptor).st_size
        if found != self.size:
            what = f"it has {found} bytes, not {self.size}" if found else "it is empty"
            raise damaged(self.path, what)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`, verified."""
        if not 0 <= start <= stop <= self.size:
            raise damaged(self.path, f"there are no bytes {start} to {stop}")
        first, last = start // BLOCK, -(-stop // BLOCK)
        if self._all_known or 0 not in self._known[first:last]:
            return self._bytes(start, stop)
        data = self._bytes(first * BLOCK, min(last * BLOCK, self.size))
        self._compare(first, memoryview(data))
        return data[start - first * BLOCK : stop - first * BLOCK]

    def array(self, dtype: DTypeLike, start: int, count: int) -> NDArray[Any]:
        """Return `count` values of a file of nothing but such values, from the one at `start`."""
        import numpy as np

        width = np.dtype(dtype).itemsize
        return np.frombuffer(self.read(start * width, (start + count) * width), dtype=dtype)

    def rows(self, head: int, width: int, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return rows of bytes by number, shape (numbers, width); the first begins at `head`.

        They are taken out of a mapping of the file, which is faster for many than reading each.
        """
        import numpy as np

        self.require_size()
        starts = head + numbers * width
        if not self._all_known:
            self._require_known(starts, starts + width)
        if self._mapping is None:
            self._mapping = mmap.mmap(self._descriptor, self.size, access=mmap.ACCESS_READ)
        whole = np.frombuffer(self._mapping, dtype=np.uint8, offset=head)
        return whole[: len(whole) // width * width].reshape(-1, width)[numbers]

    def _require_known(self, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> None:
        import numpy as np

        known = np.frombuffer(self._known, dtype=np.uint8)
        most = int((stops - starts).max(initial=0)) // BLOCK + 2  # blocks that one row may touch
        touched = starts[:, None] // BLOCK + np.arange(most)
        touched = np.minimum(touched, (stops[:, None] - 1) // BLOCK)
        for block in np.unique(touched[known[touched] == 0]).tolist():
            self.read(block * BLOCK, min((block + 1) * BLOCK, self.size))

    def verify(self) -> None:
        """Compare every block that has not been read yet."""
        self.require_size()
        if not self._all_known:
            starts = range(0, len(self._known), _STRETCH)
            with ThreadPoolExecutor(_THREADS) as pool:
                list(pool.map(self._verify_stretch, starts))
            self._all_known = True

    def verify_part(self, start: int, stop: int) -> None:
        """Compare the blocks from one place up to another that have not been read yet."""
        first, last = start // BLOCK, -(-stop // BLOCK)
        if not self._all_known and 0 in self._known[first:last]:
            data = self._bytes(first * BLOCK, min(last * BLOCK, self.size))
            self._compare(first, memoryview(data))

    def _verify_stretch(self, first: int) -> None:
        self.verify_part(first * BLOCK, min((first + _STRETCH) * BLOCK, self.size))

    def _compare(self, first: int, data: memoryview) -> None:
        for number, start in enumerate(range(0, len(data), BLOCK), first):
            if self._known[number]:
                continue
            digest = hashlib.sha256(data[start : start + BLOCK]).digest()
            if digest != bytes(self._digests[number * DIGEST : (number + 1) * DIGEST]):
                raise damaged(self.path, f"the sha256 of its block {number} is another one")
            self._known[number] = 1

    def _bytes(self, start: int, stop: int) -> bytes:
        try:
            data = os.pread(self._descriptor, stop - start, start)
        except OSError as error:
            raise unreadable(self.path, error) from None
        if len(data) != stop - start:
            raise damaged(self.path, "it has become shorter")
        return data


class LostFile(CheckedFile):
    """A file that cannot be opened: what is asked of it raises the error again."""

    def __init__(self, path: Path, size: int, error: StorageError) -> None:
        self.path = path
        self.size = size
        self._descriptor = -1
        self._error = error

    def require_size(self) -> None:
        """Raise the error."""
        raise self._error

    def read(self, start: int, stop: int) -> bytes:
        """Raise the error."""
        raise self._error
