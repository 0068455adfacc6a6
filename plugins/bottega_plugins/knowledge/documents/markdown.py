"""Markdown: front matter, headings, and the starts of its blocks, list items and table rows.

Blocks are those of markdown-it-py (CommonMark and tables); lines are left as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.documents.header import read_header
from bottega_plugins.knowledge.documents.outline import Heading, outlined
from bottega_plugins.knowledge.documents.parsed import Parsed

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_LINE_END = re.compile(r"\r\n?|\n")
"""What markdown-it counts as one."""
_BLOCKS = frozenset(
    ("paragraph_open", "list_item_open", "tr_open", "fence", "code_block", "html_block")
)


def parse_markdown(text: str) -> Parsed:
    """Read a Markdown text."""
    header = read_header(text)
    tokens, lines = _tokens(text, header.end if header else 0)
    headings = list(_headings(tokens, lines))
    return outlined("markdown", text, header, headings, _breaks(tokens, lines))


def headings_of(text: str) -> list[Heading]:
    """Return the headings of a text without front matter."""
    return list(_headings(*_tokens(text, 0)))


def _tokens(text: str, body: int) -> tuple[Sequence[Token], Sequence[int]]:
    """Return markdown-it's tokens of what follows the header, and where its lines begin."""
    lines = [body, *(match.end() for match in _LINE_END.finditer(text, body)), len(text)]
    return _parser().parse(text[body:]), lines


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    made: MarkdownIt = import_module("markdown_it").MarkdownIt("commonmark")
    return made.enable("table").disable(["inline", "reference"])  # blocks are all that is needed


def _headings(tokens: Sequence[Token], lines: Sequence[int]) -> Iterator[Heading]:
    for token, content in pairwise(tokens):
        if token.type == "heading_open" and token.map and token.level == 0:
            title = " ".join(content.content.split())
            start, end = lines[token.map[0]], lines[token.map[1]]
            if title:
                yield Heading(title=title, level=int(token.tag[1:]), start=start, end=end)


def _breaks(tokens: Sequence[Token], lines: Sequence[int]) -> list[int]:
    starts = {token.map[0] for token in tokens if token.map and token.type in _BLOCKS}
    return [lines[start] for start in sorted(starts)]
