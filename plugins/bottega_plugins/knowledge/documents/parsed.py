"""A document that has been read: its text, its structure, and where each piece of text stands.

Every parser ends here and every passage is cut from here.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bottega.messages import Json

MOST_BREAKS = 1_000_000
"""Places for cuts that are kept of a document; each takes some 40 bytes."""
Value = int | str | Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A stretch of text under one heading; passages do not reach across its ends."""

    heading: tuple[str, ...] = ()
    """The headings above it, outermost first, without the document's title."""
    start: int
    end: int
    """Characters of `Parsed.text`, as all places in this file unless they say otherwise."""
    breaks: Sequence[int] = ()
    """Where a cut does the least harm, in order: starts of rows, list items, functions."""
    items: Mapping[str, Sequence[Value]] = field(default_factory=dict[str, Sequence[Value]])
    """What begins at each break, by the name of its kind: `row` and numbers, `function` and names.
    A passage gets the first and the last number, or the list of names, as metadata."""
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json])

    def facts(self, start: int, end: int) -> dict[str, Json]:
        """Return the metadata of the passage that reaches from start to end."""
        first = max(0, bisect_right(self.breaks, start) - 1)
        last = bisect_left(self.breaks, end)
        facts = dict(self.metadata)
        for kind, values in self.items.items():
            facts |= _facts(kind, values[first:last])
        return facts


def _facts(kind: str, values: Sequence[Value]) -> dict[str, Json]:
    if values and isinstance(values[0], int):
        return {kind: values[0], f"end_{kind}": values[-1]}
    names: dict[str, None] = {}
    for value in values:
        names.update(dict.fromkeys([value] if isinstance(value, str) else value))  # type: ignore[arg-type]
    return {kind: list(names)} if names else {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where in the source each run of the text was read. Text between runs was put in by a parser.

    A run that is as long as its place in the source is the same text; else it stands for all of it.
    """

    starts: Sequence[int]
    ends: Sequence[int]
    source_starts: Sequence[int]
    source_ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the source that the text from start to end was read from."""
        if not self.starts:
            return 0, 0
        first = min(bisect_right(self.ends, start), len(self.ends) - 1)
        last = max(first, bisect_left(self.starts, end) - 1)
        begin, stop = self.source_starts[first], self.source_ends[last]
        if self._is_verbatim(first):
            begin += max(0, start - self.starts[first])
        if self._is_verbatim(last):
            stop -= max(0, self.ends[last] - end)
        return begin, max(begin, stop)

    def _is_verbatim(self, run: int) -> bool:
        length = self.ends[run] - self.starts[run]
        return length == self.source_ends[run] - self.source_starts[run]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """A document as its text and structure."""

    format: str
    title: str = ""
    """What the document calls itself; empty where it does not."""
    text: str
    sections: Sequence[Section]
    """In order of the text."""
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json])
    places: Places | None = None
    """None where the text is the source, or where the source is no text."""
    pages: Sequence[int] = ()
    """Where each page begins; empty for what has no pages."""


def parsed_to_json(parsed: Parsed) -> dict[str, Json]:
    """Write a parsed document as a JSON object."""
    places = parsed.places
    return {
        "format": parsed.format,
        "title": parsed.title,
        "text": parsed.text,
        "sections": [_section_to_json(section) for section in parsed.sections],
        "metadata": parsed.metadata,
        "places": {name: list(getattr(places, name)) for name in _RUNS} if places else None,
        "pages": list(parsed.pages),
    }


def parsed_from_json(data: Mapping[str, Any]) -> Parsed:
    """Read what `parsed_to_json` wrote."""
    rest = dict(data)
    runs = rest.pop("places")
    return Parsed(
        sections=[_section_from_json(item) for item in rest.pop("sections")],
        places=Places(**{name: array("q", runs[name]) for name in _RUNS}) if runs else None,
        **rest,
    )


_RUNS = ("starts", "ends", "source_starts", "source_ends")


def _section_to_json(section: Section) -> dict[str, Json]:
    return {
        "heading": section.heading,
        "start": section.start,
        "end": section.end,
        "breaks": list(section.breaks),
        "items": {kind: list(values) for kind, values in section.items.items()},
        "metadata": section.metadata,
    }


def _section_from_json(data: Mapping[str, Any]) -> Section:
    rest = dict(data)
    return Section(heading=tuple(rest.pop("heading")), **rest)
