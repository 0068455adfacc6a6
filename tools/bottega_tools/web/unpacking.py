"""A body as it arrives: counted while it is unpacked, so that no bomb ever lies in memory.

gzip and deflate are asked for and read; anything else was not asked for and is refused unread.
"""

from __future__ import annotations

import zlib
from typing import Any

from bottega.errors import ToolError

ACCEPTED = "gzip, deflate"
_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 1_000


class Body:
    """Collects the pieces of one body, at most `limit` bytes."""

    def __init__(self, encoding: str, limit: int, source: str) -> None:
        self._limit = limit
        self._source = source
        """What messages call the server."""
        self._form = encoding.strip().lower().removeprefix("x-")
        self._pieces: list[bytes] = []
        self._size = 0
        self._members = 0
        self._packed: Any = None
        """Unpacks the member under way."""
        if self._form not in ("", "identity", "gzip", "deflate"):
            raise ToolError(f"{source} packed its answer as {encoding[:40]!r}, which was not asked")

    def add(self, piece: bytes) -> None:
        """Take the next piece as it came. Raises ToolError for too much, and for what is broken."""
        if self._form in ("", "identity"):
            self._keep(piece)
            return
        try:
            while piece:
                piece = self._unpacked(piece)
        except zlib.error:
            raise ToolError(
                f"{self._source} sent an answer that cannot be unpacked ({self._form})"
            ) from None

    def read(self) -> bytes:
        """Return what has come so far."""
        return b"".join(self._pieces)

    def _unpacked(self, piece: bytes) -> bytes:
        """Unpack some of the piece; return what is left of it."""
        if self._packed is None:
            self._members += 1
            if self._members > _MOST_MEMBERS:
                raise self._too_large()
            self._packed = zlib.decompressobj(self._window(piece))
        room = self._limit - self._size + 1
        self._keep(self._packed.decompress(piece, room))
        if not self._packed.eof:
            tail: bytes = self._packed.unconsumed_tail
            return tail
        rest: bytes = self._packed.unused_data
        self._packed = None
        return rest if self._form == "gzip" and rest.startswith(b"\x1f\x8b") else b""

    def _window(self, piece: bytes) -> int:
        if self._form == "gzip":
            return _GZIP
        wrapped = len(piece) > 1 and piece[0] & 15 == 8 and (piece[0] << 8 | piece[1]) % 31 == 0
        return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS  # some servers send it bare

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise self._too_large()
        self._pieces.append(piece)

    def _too_large(self) -> ToolError:
        return ToolError(f"{self._source} sent more than {size(self._limit)}: not read to the end")


def size(number: int) -> str:
    """Return a number of bytes as people write it."""
    for unit, factor in (("MB", 1 << 20), ("kB", 1 << 10)):
        if number >= factor:
            return f"{number / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{number} bytes"
