"""Jupyter notebooks (nbformat 4): Markdown and code cells in their order, with text outputs.

Headings of Markdown cells are the headings of what follows; passages know their cells' numbers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bottega_plugins.knowledge.documents.draft import Draft
from bottega_plugins.knowledge.documents.json_scan import Found, scan
from bottega_plugins.knowledge.documents.markdown import headings_of
from bottega_plugins.knowledge.documents.outline import Heading, sections
from bottega_plugins.knowledge.documents.parsed import Parsed, Section
from bottega_plugins.knowledge.documents.skipped import SkippedError

_MOST_OUTPUT = 2_000
"""Characters of one cell's outputs."""
_OUTPUTS = ("cells.outputs.text", "cells.outputs.data.text/plain", "cells.outputs.evalue")
_LANGUAGES = ("metadata.kernelspec.language", "metadata.language_info.name")


@dataclass(kw_only=True, slots=True)
class _Cell:
    kind: str = ""
    source: list[Found] = field(default_factory=list[Found])
    outputs: list[Found] = field(default_factory=list[Found])


def parse_notebook(text: str) -> Parsed:
    """Read a notebook. Raises SkippedError for broken JSON and for what is no notebook."""
    cells: list[_Cell] = []
    language = ""
    for found in scan(text):
        if found.label == "cells" and found.kind == "{" and found.depth == 2:
            cells.append(_Cell())
        elif found.kind in ("{", "["):
            continue
        elif cells and found.label.startswith("cells."):
            _take(cells[-1], found)
        elif found.label in _LANGUAGES:
            language = language or found.value[:40].lower()
    if not cells:
        raise SkippedError("a notebook without cells, or of a format before 4")
    return _parsed(cells, {"language": language} if language else {})


def _take(cell: _Cell, found: Found) -> None:
    if found.label == "cells.cell_type":
        cell.kind = found.value
    elif found.label == "cells.source":
        cell.source.append(found)
    elif found.label in _OUTPUTS:
        cell.outputs.append(found)


def _parsed(cells: Sequence[_Cell], metadata: dict[str, str]) -> Parsed:
    draft = Draft()
    headings: list[Heading] = []
    starts: list[int] = []
    for cell in cells:
        if draft.size:
            draft.put("\n\n")
        starts.append(draft.size)
        begin = draft.size
        _write(draft, cell.source)
        if cell.kind == "markdown":
            headings.extend(_moved(headings_of("".join(f.value for f in cell.source)), begin))
        if cell.outputs:
            draft.put("\n\nOutput:\n")
            _write(draft, cell.outputs, _MOST_OUTPUT)
    text = draft.text()
    title = headings[0].title if headings else ""
    return Parsed(
        format="notebook",
        title=title,
        text=text,
        sections=[_numbered(part, starts) for part in sections(headings, text, 0, title)],
        metadata=metadata,
        places=draft.places(),
    )


def _write(draft: Draft, pieces: Sequence[Found], most: int = 1 << 62) -> None:
    for found in pieces:
        value = found.value[:most]
        most -= len(value)
        start, end = found.start, found.end
        if end - start == len(value) + 2:
            start, end = start + 1, end - 1
        draft.copy(value, start, end)
        if most <= 0:
            draft.put(" ...")
            return


def _moved(headings: Sequence[Heading], by: int) -> Iterator[Heading]:
    for heading in headings:
        yield replace(heading, start=heading.start + by, end=heading.end + by)


def _numbered(section: Section, starts: Sequence[int]) -> Section:
    """Tell the section which cells are in it; the first may have begun before it."""
    first = max(0, bisect_right(starts, section.start) - 1)
    last = bisect_left(starts, section.end)
    breaks = [max(start, section.start) for start in starts[first:last]]
    return replace(section, breaks=breaks, items={"cell": range(first + 1, last + 1)})
