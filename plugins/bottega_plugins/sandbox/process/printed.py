"""What a step prints: taken from its pipe as it comes, kept up to a limit, counted beyond."""

from __future__ import annotations

import asyncio
import codecs
import os
from types import TracebackType

_CHUNK = 1 << 16


class Printed:
    """Reads the pipe while it is entered, so that whoever prints never waits long."""

    def __init__(self, pipe: int, most: int) -> None:
        self._pipe = pipe
        self._most = most
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._kept: list[str] = []
        self._length = 0
        self.dropped = 0
        """Characters beyond the limit."""

    def __enter__(self) -> Printed:
        asyncio.get_running_loop().add_reader(self._pipe, self._read)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._pipe)

    @property
    def text(self) -> str:
        """What is kept."""
        return "".join(self._kept)

    def drain(self) -> None:
        """Take what is there now, and no more than a pipe holds."""
        for _ in range(64):
            if not self._read():
                break
        self._take(self._decoder.decode(b"", final=True))

    def _read(self) -> bool:
        """Take one piece; False when there is nothing now, or nothing ever more."""
        try:
            data = os.read(self._pipe, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(self._pipe)
        self._take(self._decoder.decode(data))
        return bool(data)

    def _take(self, text: str) -> None:
        room = max(0, self._most - self._length)
        if text[:room]:
            self._kept.append(text[:room])
        self._length += len(text)
        self.dropped += max(0, len(text) - room)
