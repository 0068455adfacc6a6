"""What is in an archive, member by member, taking no more of it in than is allowed.

ZIP (stored, deflated) and tar (plain, gzip, bzip2). What an archive says of itself is believed
nowhere: sizes are counted while bytes come out of it. Only regular files and folders may be in it;
links, devices and names that lead elsewhere refuse the whole archive before anything is written.
Where members are put is for others to say.
"""

from __future__ import annotations

import bz2
import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from bottega.errors import ToolError
from bottega.escape import one_line
from bottega_tools.files.path import parts_of

MOST_MEMBERS = 2_000
MOST_BYTES = 100_000_000
"""Of all members together, unpacked."""
LARGEST_ARCHIVE = 50_000_000
_MOST_RATIO = 100
"""Bytes that may come out of one byte, beyond the first megabyte."""
_FREE = 1_000_000
_DIRECTORY = 2_000_000
"""Bytes of a ZIP's directory, which is read as a whole."""
_TAIL = 66_000
_END, _LOCATOR = b"PK\x05\x06", b"PK\x06\x07"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One file of an archive."""

    name: str
    data: bytes


class Allowance:
    """How much may still come out of one archive."""

    def __init__(self, packed: int) -> None:
        self._left = min(MOST_BYTES, _FREE + packed * _MOST_RATIO)

    def take(self, count: int) -> None:
        """Count bytes. Raises ToolError where there are too many."""
        self._left -= count
        if self._left < 0:
            raise ToolError(
                "the archive unpacks to too much",
                hint=f"at most {MOST_BYTES:,} bytes, and {_MOST_RATIO} times its own size",
            )


def members(file: BinaryIO, size: int) -> Iterator[Member]:
    """Yield the files in an archive of that size. Raises ToolError for one that is refused."""
    if size > LARGEST_ARCHIVE:
        raise ToolError(f"the archive has {size:,} bytes; at most {LARGEST_ARCHIVE:,}")
    file.seek(0)
    beginning = file.read(4)
    file.seek(0)
    allowance, seen = Allowance(size), _Names()
    try:
        if beginning.startswith(b"PK"):
            yield from _zip(file, size, allowance, seen)
        else:
            yield from _tar(file, beginning, allowance, seen)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, struct.error) as error:
        raise ToolError(f"the archive is damaged: {one_line(str(error), 120)}") from error
    except (OSError, NotImplementedError, RuntimeError, UnicodeError, ValueError) as error:
        raise ToolError(f"the archive cannot be read: {one_line(str(error), 120)}") from error


class _Names:
    """Names that were seen: each may be there once, whatever its letters' case."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, ...]] = set()

    def add(self, name: str) -> None:
        parts = parts_of(name)
        folded = tuple(part.casefold() for part in parts)
        if not parts or folded in self._seen:
            raise ToolError(f"the archive holds {one_line(name, 120)!r} twice")
        self._seen.add(folded)
        if len(self._seen) > MOST_MEMBERS:
            raise ToolError(f"the archive has more than {MOST_MEMBERS:,} files")


def _zip(file: BinaryIO, size: int, allowance: Allowance, seen: _Names) -> Iterator[Member]:
    _check_directory(file, size)
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            kind = stat.S_IFMT(mode)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _irregular(info.orig_filename)
            if info.flag_bits & 0x1:
                raise ToolError("the archive is encrypted")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ToolError("the archive is packed in a way that is not read here")
            if info.is_dir():
                parts_of(info.orig_filename)
                continue
            seen.add(info.orig_filename)
            with archive.open(info) as member:
                yield Member(name=info.orig_filename, data=_taken(member, allowance))


def _check_directory(file: BinaryIO, size: int) -> None:
    """Raise ToolError where the directory is too large to be taken in."""
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    at = tail.rfind(_END)
    if at < 0:
        raise ToolError("the archive is damaged: it has no end")
    if tail[max(0, at - 20) : at].startswith(_LOCATOR):
        raise ToolError("the archive is of the 64-bit kind, which is not read here")
    if struct.unpack("<I", tail[at + 12 : at + 16])[0] > _DIRECTORY:
        raise ToolError(f"the archive has more than {MOST_MEMBERS:,} files")


def _tar(file: BinaryIO, beginning: bytes, allowance: Allowance, seen: _Names) -> Iterator[Member]:
    with _unpacked(file, beginning) as plain:
        counted = cast("IO[bytes]", _Counted(plain, allowance))
        with tarfile.open(fileobj=counted, mode="r|") as archive:
            for info in archive:
                if info.isdir():
                    parts_of(info.name)
                    continue
                if not info.isreg() or info.issparse():
                    raise _irregular(info.name)
                seen.add(info.name)
                member = archive.extractfile(info)
                yield Member(name=info.name, data=member.read() if member else b"")


@contextmanager
def _unpacked(file: BinaryIO, beginning: bytes) -> Generator[IO[bytes], None, None]:
    if beginning.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=file) as found:
            yield cast("IO[bytes]", found)
    elif beginning.startswith(b"BZh"):
        with bz2.BZ2File(file) as found:
            yield cast("IO[bytes]", found)
    else:
        yield file


class _Counted:
    """A tar as it comes out of its packing; every byte counts, also those of headers."""

    def __init__(self, source: IO[bytes], allowance: Allowance) -> None:
        self._source = source
        self._allowance = allowance

    def read(self, count: int) -> bytes:
        data = self._source.read(count)
        self._allowance.take(len(data))
        return data


def _taken(member: IO[bytes], allowance: Allowance) -> bytes:
    pieces: list[bytes] = []
    while piece := member.read(65_536):
        allowance.take(len(piece))
        pieces.append(piece)
    return b"".join(pieces)


def _irregular(name: str) -> ToolError:
    return ToolError(
        f"the archive holds {one_line(name, 120)!r}, which is no regular file",
        hint="links, pipes and devices are not unpacked",
    )
