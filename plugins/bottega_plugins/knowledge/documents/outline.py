"""The structure of a text: its header block, its title, its headings and what stands under them.

Headings are those of Markdown (`#`, and underlined with `=` or `-`) in `.md` files, and those of
reStructuredText (underlined with one repeated character) in all others. Spans are `[start, end)` in
characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from bottega_plugins.knowledge.documents.header import Header, read_header

_UNDERLINED = re.compile(
    r"^(?P<title>[^\s][^\n]{0,200}?)[ \t]*\r?\n"
    r"""(?P<mark>[=\-~^"'`#*+.:_])(?P=mark){2,}[ \t]*\r?$""",
    re.MULTILINE,
)
_OVERLINE = re.compile(r"^([=\-~^\"'`#*+.:_])\1{2,}[ \t]*\r?$")
_ATX = re.compile(r"^ {0,3}(#{1,6})[ \t]+([^\n]{1,300}?)[ \t]*#*[ \t]*\r?$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_MARKDOWN = {".md", ".markdown", ".mdown"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """What stands under one heading, up to the next heading of any level."""

    heading: tuple[str, ...]
    """The headings above it, outermost first, without the document's title."""
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """A text as its structure."""

    title: str
    header: Header | None
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class _Heading:
    title: str
    level: int
    start: int
    end: int


def read_outline(text: str, name: str) -> Outline:
    """Return the structure of a text; `name` is the file's and stands in for a missing title."""
    header = read_header(text)
    body = header.end if header else 0
    if PurePosixPath(name).suffix.lower() in _MARKDOWN:
        headings = _markdown_headings(text, body)
    else:
        headings = _underlined_headings(text, body)
    title = header.title if header else ""
    if not title:
        title = headings[0].title if headings else PurePosixPath(name).name
    return Outline(
        title=title, header=header, sections=tuple(_sections(text, body, headings, title))
    )


def _sections(text: str, body: int, headings: list[_Heading], title: str) -> Iterator[Section]:
    first = headings[0].start if headings else len(text)
    yield Section(heading=(), start=body, end=first)
    above: list[_Heading] = []
    for index, heading in enumerate(headings):
        after = headings[index + 1] if index + 1 < len(headings) else None
        while above and above[-1].level >= heading.level:
            above.pop()
        above.append(heading)
        start, end = heading.end, after.start if after else len(text)
        if not _has_text(text, start, end) and not (after and after.level > heading.level):
            start = heading.start  # a heading with nothing under it is itself all there is to find
        path = tuple(h.title for h in above)
        yield Section(heading=path[1:] if path[0] == title else path, start=start, end=end)


_SOMETHING = re.compile(r"\S")


def _has_text(text: str, start: int, end: int) -> bool:
    return _SOMETHING.search(text, start, end) is not None


def _underlined_headings(text: str, body: int) -> list[_Heading]:
    found: list[_Heading] = []
    styles: list[tuple[str, bool]] = []  # a style's level is the order in which it first appears
    for match in _UNDERLINED.finditer(text, body):
        title, mark = match["title"].strip(), match["mark"]
        before, before_start = _line_before(text, match.start(), body)
        over = bool(_OVERLINE.match(before)) and before[:1] == mark
        if (before.strip() and not over) or not _is_title(title, match):
            continue
        style = (mark, over)
        if style not in styles:
            styles.append(style)
        start = before_start if over else match.start()
        found.append(_Heading(title, styles.index(style), start, match.end()))
    return found


def _is_title(title: str, match: re.Match[str]) -> bool:
    underline = match.end() - match.end("mark") + 1
    return any(c.isalnum() for c in title) and underline >= min(len(title), 4)


def _line_before(text: str, start: int, body: int) -> tuple[str, int]:
    if start <= body:
        return "", start
    begin = max(text.rfind("\n", body, start - 1) + 1, body)
    return text[begin : min(start, begin + 300)].rstrip("\r\n"), begin


def _markdown_headings(text: str, body: int) -> list[_Heading]:
    fenced = list(_fenced(text, body))
    found = [
        _Heading(m[2].strip(), len(m[1]), m.start(), m.end()) for m in _ATX.finditer(text, body)
    ]
    for match in _UNDERLINED.finditer(text, body):
        before, _ = _line_before(text, match.start(), body)
        if match["mark"] in "=-" and not before.strip() and _is_title(match["title"], match):
            level = 1 if match["mark"] == "=" else 2
            found.append(_Heading(match["title"].strip(), level, match.start(), match.end()))
    found.sort(key=lambda heading: heading.start)
    return list(_outside(found, fenced))


def _outside(headings: Iterable[_Heading], fenced: list[tuple[int, int]]) -> Iterator[_Heading]:
    blocks = iter(fenced)
    start, end = next(blocks, (-1, -1))
    last = -1
    for heading in headings:
        while start >= 0 and end <= heading.start:
            start, end = next(blocks, (-1, -1))
        if not (start >= 0 and start <= heading.start) and heading.start >= last:
            yield heading
            last = heading.end


def _fenced(text: str, body: int) -> Iterator[tuple[int, int]]:
    mark, start = "", 0
    for match in _FENCE.finditer(text, body):
        if not mark:
            mark, start = match[1], match.start()
        elif match[1].startswith(mark):
            yield start, match.end()
            mark = ""
    if mark:
        yield start, len(text)
