"""Digests of a segment's files: of each as a whole, and of each block of it.

A file that is read in places is verified in places, so opening an index reads none of its files.
`blocks.sha256` holds 32 bytes a block, file by file in the order of their names; the manifest has
its sha256, as that of every other file.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bottega.errors import StorageError
from bottega_plugins.knowledge.index.disk import sync, write_synced

BLOCK = 8_192
"""Bytes. A row of 384 half floats has 768; hashing a block takes some 25 microseconds."""
TABLE = "blocks.sha256"
DIGEST = 32
_THREADS = 2
_PIECE = BLOCK * 128
_NO_DAMAGE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES, errno.EPERM, errno.EINTR}


@dataclass(frozen=True, kw_only=True, slots=True)
class FileInfo:
    """What a file of an index must be."""

    bytes: int
    sha256: str

    @property
    def blocks(self) -> int:
        """How many blocks it has; the last may be short."""
        return -(-self.bytes // BLOCK)


def seal(folder: Path) -> dict[str, FileInfo]:
    """Write the table of a new segment's blocks and return what each of its files must be.

    All of it is on the disk then.
    """
    paths = sorted(path for path in folder.iterdir() if path.name != TABLE)
    with ThreadPoolExecutor(_THREADS) as pool:
        digested = list(pool.map(_digested, paths))
    write_synced(folder / TABLE, b"".join(blocks for _, blocks in digested))
    files = {path.name: info for path, (info, _) in zip(paths, digested, strict=True)}
    sync(folder)
    return {**files, TABLE: _digested(folder / TABLE)[0]}


def block_digests(folder: Path, files: Mapping[str, FileInfo]) -> dict[str, memoryview]:
    """Return the digests of the blocks of each file. Raises StorageError for a damaged table."""
    table = memoryview(read_whole(folder / TABLE, files[TABLE]))
    found: dict[str, memoryview] = {}
    start = 0
    for name in sorted(name for name in files if name != TABLE):
        stop = start + files[name].blocks * DIGEST
        found[name] = table[start:stop]
        start = stop
    if start != len(table):
        raise StorageError(f"{folder / TABLE} is not the table of the files in the manifest")
    return found


def recovered_digests(folder: Path, files: Mapping[str, FileInfo]) -> dict[str, memoryview]:
    """Return the digests of the blocks where the table is damaged.

    They are made from the files that are whole by the manifest; those of other files fit nothing.
    """
    found: dict[str, memoryview] = {}
    for name, expected in files.items():
        blocks = bytes(DIGEST * expected.blocks)
        with suppress(OSError):
            info, digests = _digested(folder / name)
            blocks = digests if info == expected else blocks
        found[name] = memoryview(blocks)
    return found


def read_whole(path: Path, info: FileInfo) -> bytes:
    """Return a file's bytes. Raises StorageError when they are not what they must be."""
    try:
        with path.open("rb") as file:
            data = file.read(info.bytes + 1)
    except FileNotFoundError:
        raise StorageError(f"{path} is missing") from None
    except OSError as error:
        raise unreadable(path, error) from None
    if hashlib.sha256(data).hexdigest() != info.sha256:
        raise damaged(path, "its sha256 is not that of the manifest" if data else "it is empty")
    return data


def unreadable(path: Path, error: OSError) -> StorageError:
    """Return the error for a file that the system refuses to read; it may be whole for all that."""
    return StorageError(
        f"{path} cannot be read: {error.strerror}", retryable=error.errno in _NO_DAMAGE
    )


def damaged(path: Path, what: str) -> StorageError:
    """Return the error that names a damaged file."""
    return StorageError(f"{path} is damaged: {what}")


def _digested(path: Path) -> tuple[FileInfo, bytes]:
    sync(path)
    whole, size, blocks = hashlib.sha256(), 0, bytearray()
    for piece in _pieces(path):
        whole.update(piece)
        size += len(piece)
        for start in range(0, len(piece), BLOCK):
            blocks += hashlib.sha256(piece[start : start + BLOCK]).digest()
    return FileInfo(bytes=size, sha256=whole.hexdigest()), bytes(blocks)


def _pieces(path: Path) -> Iterator[memoryview]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield memoryview(piece)
