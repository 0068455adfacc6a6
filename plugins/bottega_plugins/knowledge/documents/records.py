"""JSON and JSON Lines: values as lines of `path: value`, records (objects in an array) as rows."""

from __future__ import annotations

from collections.abc import Iterator

from bottega_plugins.knowledge.documents.draft import Draft
from bottega_plugins.knowledge.documents.json_scan import Found, scan
from bottega_plugins.knowledge.documents.parsed import Parsed, Section
from bottega_plugins.knowledge.documents.skipped import SkippedError

_MOST_NUMBERS = 64
"""Values other than strings that are taken of one array: nobody searches a vector."""


def parse_json(text: str) -> Parsed:
    """Read one JSON value. Raises SkippedError when it is broken."""
    writer = _Writer()
    for found in scan(text):
        if found.kind == "{" and found.in_array and found.depth <= 2:
            writer.begin()
        writer.add(found)
    return writer.parsed("json")


def parse_json_lines(text: str) -> Parsed:
    """Read a JSON value a line; a line that is broken, such as a last one cut off, is a text."""
    writer = _Writer()
    for start, end in _lines(text):
        writer.begin()
        try:
            for found in list(scan(text[start:end])):
                writer.add(found, start)
        except SkippedError:
            writer.draft.copy(text[start:end], start, end)
    return writer.parsed("jsonl")


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if text[start:end].strip():
            yield start, end
        start = end + 1


class _Writer:
    """Writes what a scan finds as lines."""

    def __init__(self) -> None:
        self.draft = Draft()
        self._breaks: list[int] = []
        self._label: str | None = None
        self._numbers = 0

    def begin(self) -> None:
        """Begin a record."""
        if self.draft.size:
            self.draft.put("\n\n")
        self._breaks.append(self.draft.size)
        self._label = None

    def add(self, found: Found, offset: int = 0) -> None:
        """Write a value; values of one array share a line."""
        if found.kind in ("{", "["):
            self._label = None
            return
        more = found.in_array and found.label == self._label
        self._numbers = self._numbers + 1 if more and not found.kind else 0
        self._label = found.label
        value = found.value.strip()
        if not value or self._numbers > _MOST_NUMBERS:
            return
        if more:
            self.draft.put(", ")
        else:
            if self.draft.size and not self.draft.last.endswith("\n"):
                self.draft.put("\n")
            self.draft.put(f"{found.label}: " if found.label else "")
        start, end = found.start + offset, found.end + offset
        if found.kind and end - start == len(value) + 2:
            start, end = start + 1, end - 1  # without its quotes it is the same text
        self.draft.copy(value, start, end)

    def parsed(self, form: str) -> Parsed:
        """Return what was written."""
        rows = len(self._breaks)
        section = Section(
            start=0,
            end=self.draft.size,
            breaks=self._breaks,
            items={"row": range(1, rows + 1)} if rows else {},
        )
        return Parsed(
            format=form,
            text=self.draft.text(),
            sections=[section],
            metadata={"rows": rows} if rows else {},
            places=self.draft.places(),
        )
