"""A part of a long text, line by line: numbered, bounded, and never the whole in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from bottega.escape import plain

MOST_LINES = 2_000
MOST_CHARACTERS = 20_000
"""Of the lines of one page together."""
LONGEST_LINE = 2_000
"""Characters of a line that are shown at once."""
_PIECE = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line, or the part of it that was asked for."""

    number: int
    text: str
    left: int = 0
    """Characters of it that stand behind the part."""


def lines_of(text: TextIO, *, first: int, count: int, column: int = 1) -> Iterator[Line]:
    """Yield lines from `first`, without their ends; `column` is the first character of each."""
    for number in range(1, first):
        if not _skipped(text):
            return
        del number
    for number in range(first, first + count):
        line = _line(text, number, column - 1)
        if line is None:
            return
        yield line


def _skipped(text: TextIO) -> bool:
    """Pass over one line; say whether there was one."""
    piece = text.readline(_PIECE)
    found = bool(piece)
    while piece and not piece.endswith("\n"):
        piece = text.readline(_PIECE)
    return found


def _line(text: TextIO, number: int, start: int) -> Line | None:
    shown, passed, piece = "", 0, text.readline(_PIECE)
    if not piece:
        return None
    while piece:
        bare = piece.removesuffix("\n")
        if passed + len(bare) > start and len(shown) < LONGEST_LINE:
            shown += bare[max(0, start - passed) :][: LONGEST_LINE - len(shown)]
        passed += len(bare)
        if piece.endswith("\n"):
            break
        piece = text.readline(_PIECE)
    return Line(number=number, text=shown, left=max(0, passed - start - len(shown)))


def show(line: Line) -> str:
    """Return the line with its number before it, and what of it is not shown."""
    more = f" [{line.left:,} more characters]" if line.left else ""
    return f"{line.number:>6}\t{plain(line.text)}{more}"
