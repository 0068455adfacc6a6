"""From headings and their levels to sections: what stands under which. Of any format."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bottega_plugins.knowledge.documents.header import Header
from bottega_plugins.knowledge.documents.parsed import Parsed, Section

MOST_HEADINGS = 50_000
_LONGEST = 300
"""Characters of a heading that its passages carry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading:
    """A heading and its place in the text."""

    title: str
    level: int
    """The outermost has the smallest number; numbers may be left out."""
    start: int
    end: int


def outlined(
    form: str,
    text: str,
    header: Header | None,
    headings: Sequence[Heading],
    breaks: Sequence[int] = (),
) -> Parsed:
    """Return a text with its header block, which is a section by itself, and its headings.

    Without a title in the header the first heading is the title.
    """
    title = header.title if header else ""
    if not title and headings:
        title = headings[0].title
    parts = list(sections(headings, text, header.end if header else 0, title, breaks))
    if header:
        parts.insert(0, Section(start=header.start, end=header.end))
    metadata = header.metadata if header else {}
    return Parsed(format=form, title=title, text=text, sections=parts, metadata=metadata)


def sections(
    headings: Sequence[Heading],
    text: str,
    body: int,
    title: str,
    breaks: Sequence[int] = (),
) -> Iterator[Section]:
    """Yield what stands before the first heading and under each one, from `body` on.

    The document's title is left out of paths that begin with it. `breaks` are places in the text,
    in order. More headings than any document has are taken as text.
    """
    if len(headings) > MOST_HEADINGS:
        headings = ()
    first = headings[0].start if headings else len(text)
    yield Section(start=body, end=first, breaks=_between(breaks, body, first))
    above: list[Heading] = []
    for index, heading in enumerate(headings):
        after = headings[index + 1] if index + 1 < len(headings) else None
        while above and above[-1].level >= heading.level:
            above.pop()
        above.append(heading)
        start, end = heading.end, after.start if after else len(text)
        if not _has_text(text, start, end) and not (after and after.level > heading.level):
            start = heading.start  # a heading with nothing under it is itself all there is to find
        path = tuple(h.title[:_LONGEST] for h in above)
        yield Section(
            heading=path[1:] if above[0].title == title else path,
            start=start,
            end=end,
            breaks=_between(breaks, start, end),
        )


def _between(breaks: Sequence[int], start: int, end: int) -> Sequence[int]:
    return breaks[bisect_left(breaks, start) : bisect_left(breaks, end)]


_SOMETHING = re.compile(r"\S")


def _has_text(text: str, start: int, end: int) -> bool:
    return _SOMETHING.search(text, start, end) is not None
