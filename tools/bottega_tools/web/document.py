"""A document from the web as an agent reads it: passages that can be cited, a few on each page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bottega.messages import Citation

_PASSAGE = 1_200
"""Characters after which a passage ends with its block."""
_SHORT_PASSAGE = 400
"""Characters before which no heading begins another."""
_LONGEST_BLOCK = 3_000
_LONGEST_KEY = 120
_UNFIT = re.compile(r"[\[\];,\s]")
_HEADING = re.compile(r"#{1,6} ")


@dataclass(frozen=True, kw_only=True)
class Document:
    """What was found behind a URL."""

    url: str
    """Where it was found in the end; values that look secret are masked."""
    title: str = ""
    published: str = ""
    """A date, where the document names one."""
    blocks: Sequence[str] = ()
    """Paragraphs, headings, tables and the like, in order."""
    pages: Sequence[int] = ()
    """For each block the page of the document that it is on; empty where there are none."""
    note: str = ""
    """What the reader should know of how it was read."""
    passages: tuple[Citation, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "passages", tuple(self._passages()))

    def sheets(self, size: int) -> list[list[Citation]]:
        """Divide the passages into sheets of about so many characters."""
        found: list[list[Citation]] = [[]]
        room = size
        for passage in self.passages:
            if found[-1] and room < len(passage.quote):
                found.append([])
                room = size
            found[-1].append(passage)
            room -= len(passage.quote)
        return found

    def _passages(self) -> Iterator[Citation]:
        held: list[str] = []
        heading, offset, line, page, length = "", 0, 1, 0, 0
        for block, on_page in self._pieces():
            starts = bool(_HEADING.match(block))
            full = length + len(block) > _PASSAGE or (starts and length > _SHORT_PASSAGE)
            if held and (full or on_page != page):
                passage = self._passage(held, heading, offset, line, page)
                yield passage
                held, offset, line, length = [], passage.end + 2, passage.end_line + 2, 0
            if not held:
                page = on_page
            if starts:
                heading = block.lstrip("# ")[:200]
            held.append(block)
            length += len(block)
        if held:
            yield self._passage(held, heading, offset, line, page)

    def _pieces(self) -> Iterator[tuple[str, int]]:
        for number, block in enumerate(self.blocks):
            page = self.pages[number] if self.pages else 0
            for piece in _divided(block):
                yield piece, page

    def _passage(
        self, held: Sequence[str], heading: str, offset: int, line: int, page: int
    ) -> Citation:
        text = "\n\n".join(held)
        last = line + text.count("\n")
        return Citation(
            key=f"{short_key(self.url)}:{line}-{last}",
            source=self.url,
            start=offset,
            end=offset + len(text),
            line=line,
            end_line=last,
            heading=heading,
            quote=text,
            page=page,
            metadata={"title": self.title} if self.title else {},
        )


def short_key(url: str) -> str:
    """Return a short name of a URL that can stand between square brackets."""
    short = _UNFIT.sub("_", url.partition("://")[2].rstrip("/"))
    if len(short) > _LONGEST_KEY:
        mark = hashlib.sha256(url.encode()).hexdigest()[:8]
        short = f"{short[: _LONGEST_KEY - 9]}~{mark}"
    return short


def _divided(block: str) -> Iterator[str]:
    """Cut a block that is too long, at the end of a line or a sentence where there is one."""
    while len(block) > _LONGEST_BLOCK:
        cut = max(block.rfind("\n", 0, _LONGEST_BLOCK), block.rfind(". ", 0, _LONGEST_BLOCK) + 1)
        cut = cut if cut > _LONGEST_BLOCK // 4 else _LONGEST_BLOCK
        yield block[:cut].rstrip()
        block = block[cut:].lstrip("\n ")
    if block:
        yield block
