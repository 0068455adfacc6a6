"""The text of a page of HTML or XML while it is parsed: blocks, lists, tables, headings.

Which elements are read at all is decided in `markup`.
"""

from __future__ import annotations

import re
from itertools import chain

from bottega_plugins.knowledge.documents.draft import Draft
from bottega_plugins.knowledge.documents.outline import Heading

HEADINGS = {f"h{level}": level for level in range(1, 7)}
_APART = frozenset(("p", "pre", "ul", "ol", "dl", "table", "blockquote", "section", "article"))
"""Blocks with a blank line before them."""
BLOCKS = frozenset(
    (*_APART, *HEADINGS, "address", "aside", "body", "caption", "center", "dd", "details", "div",
     "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "legend",
     "li", "main", "summary", "tbody", "tfoot", "thead", "tr")
)  # fmt: skip
_SPACES = re.compile(r"\s{2,}")
_SPACE = re.compile(r"\s")
_LONGEST_NAME = 80
_MOST_COLUMNS = 1_000


class Page:
    """Text that grows as elements begin and end."""

    def __init__(self) -> None:
        self.draft = Draft()
        self.headings: list[Heading] = []
        self.breaks: list[int] = []
        """Where blocks and list items begin."""
        self._gap = ""
        """What must stand between the text so far and the next."""
        self._marked = -1
        """Where the text ended after the mark of a list item."""
        self._lists = 0
        self._heading: int | None = None
        self._tables: list[_Table] = []

    def begin(self, tag: str, span: int = 1) -> None:
        """Begin an element; a cell spans so many columns."""
        if tag == "br":
            self._apart("\n")
        elif tag in ("td", "th"):
            self._begin_cell(tag, span)
        elif tag in BLOCKS:
            self._apart("\n\n" if tag in _APART and not self._lists else "\n")
        if tag == "li":
            self._lists += 1
            self._mark_item()
        elif tag == "table":
            self._tables.append(_Table())
        elif tag == "tr" and self._tables:
            self._tables[-1].begin_row()
        elif tag in HEADINGS and self._heading is None:
            self._apart("\n\n")
            self._fill_gap()
            self._heading = self.draft.size

    def end(self, tag: str) -> None:
        """End an element that was begun."""
        if tag in HEADINGS:
            self._end_heading(HEADINGS[tag])
        elif tag in ("td", "th"):
            if self._tables:
                self._tables[-1].end_cell(self.draft)
        elif tag in BLOCKS:
            self._apart("\n\n" if tag in _APART and not self._lists else "\n")
        if tag == "li":
            self._lists -= 1
        elif tag == "table" and self._tables:
            self._tables.pop()

    def write(self, text: str, start: int, end: int, *, as_is: bool = False) -> None:
        """Write text of the source; runs of blank space become one space unless `as_is`."""
        if as_is or len(text) != end - start:
            self._fill_gap()
            self.draft.copy(text, start, end)
            return
        position = 0
        for match in chain(_SPACES.finditer(text), (None,)):
            stop = match.start() if match else len(text)
            self._words(text[position:stop], start + position)
            if match:
                self._space()
                position = match.end()

    def _words(self, text: str, start: int) -> None:
        """Write words with one space between them, and perhaps one around them."""
        words = text.strip()
        if text[:1].isspace():
            self._space()
            start += 1
        if words:
            self._fill_gap()
            self.draft.copy(_SPACE.sub(" ", words), start, start + len(words))
            if text[-1:].isspace():
                self._space()

    def _space(self) -> None:
        if not self._gap and self.draft.size:
            self._gap = " "

    def _apart(self, gap: str) -> None:
        if self.draft.size and (self._gap.isspace() or not self._gap):
            self._gap = max(self._gap.replace(" ", ""), gap, key=len)

    def _fill_gap(self) -> None:
        gap, self._gap = self._gap, ""
        if gap and self.draft.size != self._marked and not (gap == " " and self._ends_blank()):
            self.draft.put(gap)
            if "\n" in gap:
                self.breaks.append(self.draft.size)
        if self._tables:
            self.draft.put(self._tables[-1].take_label())

    def _ends_blank(self) -> bool:
        return self.draft.last[-1:].isspace()

    def _mark_item(self) -> None:
        self._fill_gap()
        if not self.breaks or self.breaks[-1] != self.draft.size:
            self.breaks.append(self.draft.size)
        self.draft.put("- ")
        self._marked = self.draft.size

    def _begin_cell(self, tag: str, span: int) -> None:
        if self._tables:
            first = self._tables[-1].begin_cell(self.draft.size, span, is_name=tag == "th")
            if not first and self._gap.strip("\n ") == "":
                self._gap = " | "

    def _end_heading(self, level: int) -> None:
        if self._heading is None:
            return
        start, self._heading = self._heading, None
        title = " ".join(self.draft.since(start).split())
        if title:
            end = self.draft.size
            self.headings.append(Heading(title=title, level=level, start=start, end=end))
        self._apart("\n\n")


class _Table:
    """The names of a table's columns, from a first row of `th`, in front of the values below."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._row: list[str] = []
        self._are_names = True
        self._rows = 0
        self._column = 0
        self._start = 0
        self._label = ""

    def begin_row(self) -> None:
        if self._rows == 1 and self._are_names and len(self._row) > 1:
            self._names = self._row
        self._rows += 1
        self._row, self._column, self._label = [], 0, ""

    def begin_cell(self, size: int, span: int, *, is_name: bool) -> bool:
        """Begin a cell and say whether it is the first of its row."""
        column, self._column = self._column, self._column + span
        self._are_names = (self._are_names or column == 0) and is_name
        self._label = self._names[column] if column < len(self._names) and not is_name else ""
        self._start = size
        return column == 0

    def end_cell(self, draft: Draft) -> None:
        self._label = ""
        if self._rows == 1 and self._are_names and self._column <= _MOST_COLUMNS:
            name = " ".join(draft.since(self._start).replace("|", " ").split())[:_LONGEST_NAME]
            self._row += [name] * (self._column - len(self._row))

    def take_label(self) -> str:
        """Return what belongs in front of the cell's text, once."""
        label, self._label = self._label, ""
        return f"{label}: " if label else ""
