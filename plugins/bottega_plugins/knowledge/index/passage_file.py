"""The passages of a segment: a line of JSON each, found by number through a file of offsets."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.documents.chunk import Chunk

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.checked_file import CheckedFile

LINES = "passages.jsonl"
OFFSETS = "passages.offsets"
"""64-bit little-endian numbers: where each line begins; after the last, where the file ends."""

_FIELDS = ("key", "heading", "start", "end", "line", "end_line", "text", "page", "metadata")
_RUN = 1_000
"""Passages that are read at once when all are."""


class PassageWriter:
    """Writes the passages of a new segment."""

    def __init__(self, folder: Path) -> None:
        self._lines = (folder / LINES).open("xb")
        self._offsets = (folder / OFFSETS).open("xb")
        self._end = 0

    def append(self, chunks: Iterable[Chunk]) -> None:
        """Add passages behind those that are there."""
        self.append_lines(dump_chunk(chunk) for chunk in chunks)

    def append_lines(self, lines: Iterable[bytes]) -> None:
        """Add passages as they stand in another segment."""
        starts = array("Q")
        for line in lines:
            starts.append(self._end)
            self._lines.write(line)
            self._end += len(line)
        self._offsets.write(little_endian(starts))

    def close(self) -> None:
        """End the files."""
        self._offsets.write(little_endian(array("Q", [self._end])))
        self._lines.close()
        self._offsets.close()

    def abandon(self) -> None:
        """Let go of the files as they are."""
        for file in (self._lines, self._offsets):
            with suppress(OSError):  # a full disk refuses what was still to be written
                file.close()


class PassageFile:
    """Reads passages by number, counted from 0 within the segment."""

    def __init__(self, lines: CheckedFile, offsets: CheckedFile) -> None:
        self._lines = lines
        self._offsets = offsets

    def read(self, number: int) -> Chunk:
        """Return one passage. Raises StorageError."""
        return load_chunk(self._run(number, number + 1)[0])

    def lines(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the lines of the passages from `start` up to `stop`. Raises StorageError."""
        for first in range(start, stop, _RUN):
            yield from self._run(first, min(first + _RUN, stop))

    def _run(self, start: int, stop: int) -> list[bytes]:
        places = self._offsets.array("<u8", start, stop - start + 1).tolist()
        data = self._lines.read(places[0], places[-1])
        return [data[a - places[0] : b - places[0]] for a, b in pairwise(places)]


def dump_chunk(chunk: Chunk) -> bytes:
    """Return a passage as a line of JSON."""
    fields = [getattr(chunk, name) for name in _FIELDS]
    return f"{json.dumps(fields, separators=(',', ':'))}\n".encode("ascii")


def load_chunk(line: bytes) -> Chunk:
    """Return the passage of a line."""
    return Chunk(**dict(zip(_FIELDS, json.loads(line), strict=True)))


def little_endian(numbers: array[int]) -> bytes:
    """Return the numbers as they are kept on disk, whatever this machine's byte order."""
    import sys

    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
