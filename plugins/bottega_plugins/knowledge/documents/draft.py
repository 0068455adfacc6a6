"""The text of a document while a parser puts it together, with the place of each piece."""

from __future__ import annotations

import re
from array import array

from bottega_plugins.knowledge.documents.parsed import Places
from bottega_plugins.knowledge.documents.skipped import SkippedError

MOST_TEXT = 40_000_000
"""Characters that may be made of one document."""
MOST_RUNS = 1_000_000
"""Pieces that one document may be read from; each takes 150 bytes."""


_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """Return the text with half characters, which no file can hold, as U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class Draft:
    """Text that grows at its end."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._runs = tuple(array("q") for _ in range(4))
        self.size = 0
        """Characters so far."""
        self.last = ""
        """The piece that was written last."""

    def put(self, text: str) -> None:
        """Write what does not stand in the source."""
        if text:
            text = without_surrogates(text)
            self._pieces.append(text)
            self.size += len(text)
            self.last = text
            if self.size > MOST_TEXT:
                raise SkippedError(f"more than {MOST_TEXT // 1_000_000} million characters of text")

    def copy(self, text: str, start: int, end: int) -> None:
        """Write what was read from start to end in the source; in the source's order."""
        if not text:
            return
        starts, ends, source_starts, source_ends = self._runs
        begin = self.size
        self.put(text)
        verbatim = end - start == len(text)
        goes_on = verbatim and ends and ends[-1] == begin and source_ends[-1] == start
        if goes_on and ends[-1] - starts[-1] == source_ends[-1] - source_starts[-1]:
            ends[-1], source_ends[-1] = self.size, end
            return
        if len(starts) == MOST_RUNS:
            raise SkippedError(f"more than {MOST_RUNS:,} pieces of text")
        for run, place in zip(self._runs, (begin, self.size, start, end), strict=True):
            run.append(place)

    def since(self, start: int) -> str:
        """Return what was written from a place on."""
        size, pieces = self.size, list[str]()
        for piece in reversed(self._pieces):
            if size <= start:
                break
            pieces.append(piece)
            size -= len(piece)
        return "".join(reversed(pieces))[max(0, start - size) :]

    def text(self) -> str:
        """Return everything that was written."""
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def places(self) -> Places:
        """Return where the pieces were read."""
        starts, ends, source_starts, source_ends = self._runs
        return Places(
            starts=starts, ends=ends, source_starts=source_starts, source_ends=source_ends
        )
