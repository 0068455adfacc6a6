"""Server-sent events out of bytes, however the network cut them up.

Only the framing of the format, https://html.spec.whatwg.org/multipage/server-sent-events.html: what
the data means is `chunks`, and reconnecting does not apply to a POST.
"""

from __future__ import annotations

from bottega.errors import ModelReplyError

MAX_EVENT = 8_000_000
"""Most bytes one event may have."""
_BOM = b"\xef\xbb\xbf"


class EventParser:
    """Take bytes in pieces of any size; give the data of each event that is complete.

    Lines end in LF, CRLF or CR; the data lines of an event are joined by LF; comments and fields
    other than `data` are dropped. Data stay bytes, so a piece may end inside a character.
    """

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._started = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next bytes. Raises ModelReplyError when an event outgrows the limit."""
        if self._after_cr and piece:
            piece = piece.removeprefix(b"\n")
            self._after_cr = False
        if not piece:
            return []
        self._after_cr = piece.endswith(b"\r")
        self._grow(len(piece))
        if b"\n" not in piece and b"\r" not in piece:
            self._pieces.append(piece)
            return []
        lines = b"".join((*self._pieces, piece)).splitlines()
        self._pieces = [] if piece.endswith((b"\n", b"\r")) else [lines.pop()]
        return self._read(lines)

    def close(self) -> list[bytes]:
        """Take the end of the stream; give the last event, where its blank line never came.

        The standard drops such an event, but many servers end right after `data: [DONE]`.
        """
        lines = [b"".join(self._pieces), b""]
        self._pieces = []
        return self._read(lines)

    def _read(self, lines: list[bytes]) -> list[bytes]:
        if not self._started and lines:
            self._started = True
            lines[0] = lines[0].removeprefix(_BOM)
        events: list[bytes] = []
        for line in lines:
            if not line:
                if self._data:
                    events.append(b"\n".join(self._data))
                    self._data = []
            elif line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif line == b"data":
                self._data.append(b"")
        if not self._data:
            self._size = sum(map(len, self._pieces))
        return events

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            raise ModelReplyError(
                f"one event of the server's stream is longer than {self._limit:,} bytes"
            )
