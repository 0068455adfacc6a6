"""Plain text and reStructuredText: a header block, and headings underlined with one character.

docutils would know more, but takes 120 ms for a PEP of 36 KB, where this reader takes 7.
"""

from __future__ import annotations

import re

from bottega_plugins.knowledge.documents.header import read_header
from bottega_plugins.knowledge.documents.outline import MOST_HEADINGS, Heading, outlined
from bottega_plugins.knowledge.documents.parsed import Parsed

_UNDERLINED = re.compile(
    r"^(?P<title>[^\s][^\n]{0,200}?)[ \t]*\r?\n"
    r"""(?P<mark>[=\-~^"'`#*+.:_])(?P=mark){2,}[ \t]*\r?$""",
    re.MULTILINE,
)
_OVERLINE = re.compile(r"^([=\-~^\"'`#*+.:_])\1{2,}[ \t]*\r?$")


def parse_prose(text: str, form: str = "text") -> Parsed:
    """Read a text; `form` is what the format is called."""
    header = read_header(text)
    return outlined(form, text, header, _headings(text, header.end if header else 0))


def _headings(text: str, body: int) -> list[Heading]:
    found: list[Heading] = []
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
        level = styles.index(style)
        found.append(Heading(title=title, level=level, start=start, end=match.end()))
        if len(found) > MOST_HEADINGS:
            break
    return found


def _is_title(title: str, match: re.Match[str]) -> bool:
    underline = match.end() - match.end("mark") + 1
    return any(c.isalnum() for c in title) and underline >= min(len(title), 4)


def _line_before(text: str, start: int, body: int) -> tuple[str, int]:
    if start <= body:
        return "", start
    begin = max(text.rfind("\n", body, start - 1) + 1, body)
    return text[begin : min(start, begin + 300)].rstrip("\r\n"), begin
