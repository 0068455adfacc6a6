"""CSV and its kin: each row as lines of `name: value`, so that a row tells what its values are.

A text that the csv module cannot read, a cell of over 131,072 characters for one, is plain text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import islice

from bottega_plugins.knowledge.documents.draft import Draft
from bottega_plugins.knowledge.documents.parsed import MOST_BREAKS, Parsed, Section
from bottega_plugins.knowledge.documents.prose import parse_prose
from bottega_plugins.knowledge.documents.skipped import SkippedError

_DELIMITERS = ",\t;|"
_SAMPLE_ROWS = 20
_SAMPLE = 20_000
_LONGEST_NAME = 80
_MOST_COLUMNS = 1_000
_MOST_NAMED = 64
"""Columns that a document tells filters of."""


def parse_table(text: str) -> Parsed:
    """Read a table; its first row names the columns if it looks like names."""
    delimiter = _delimiter(text[:_SAMPLE])
    draft, breaks = Draft(), list[int]()
    names: list[str] | None = None
    try:
        for cells, start, end in _rows(text, delimiter):
            if names is None:
                names = column_names(cells)
                if names:
                    continue
            if len(breaks) == MOST_BREAKS:
                raise SkippedError(f"a table of more than {MOST_BREAKS:,} rows")
            if draft.size:
                draft.put("\n\n")
            breaks.append(draft.size)
            draft.copy("\n".join(labelled(cells, names)), start, end)
    except csv.Error:
        return parse_prose(text, "csv")
    section = Section(
        start=0,
        end=draft.size,
        breaks=breaks,
        items={"row": range(1, len(breaks) + 1)},
    )
    metadata = {"columns": names[:_MOST_NAMED], "rows": len(breaks)} if names else {}
    return Parsed(
        format="csv",
        text=draft.text(),
        sections=[section] if breaks else [Section(start=0, end=0)],
        metadata=metadata,
        places=draft.places(),
    )


def column_names(cells: Sequence[str]) -> list[str]:
    """Return a first row as the names of columns; none unless all are different and no numbers."""
    names = [" ".join(cell.split())[:_LONGEST_NAME] for cell in cells]
    named = [name for name in names if name]
    if len(named) < max(1, len(names) - 1) or len(set(named)) < len(named):
        return []
    if any(_is_number(name) for name in named) or len(names) > _MOST_COLUMNS:
        return []
    return names


def labelled(cells: Sequence[str], names: Sequence[str] | None) -> Iterator[str]:
    """Yield `name: value` for each cell that is not empty; the values where nothing has names."""
    for number, cell in enumerate(cells):
        value = cell.strip()
        name = names[number] if names and number < len(names) else ""
        if value:
            yield f"{name}: {value}" if name else value


def _is_number(name: str) -> bool:
    try:
        float(name.replace(",", ".").rstrip("%"))
    except ValueError:
        return False
    return True


def _rows(text: str, delimiter: str) -> Iterator[tuple[list[str], int, int]]:
    """Yield the cells of each row that is not blank, and the row's place."""
    taken = start = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        for line in StringIO(text, newline=""):
            taken += len(line)
            yield line

    for cells in csv.reader(lines(), delimiter=delimiter):
        end = taken - (len(text[start:taken]) - len(text[start:taken].rstrip("\r\n")))
        if any(cell.strip() for cell in cells):
            yield cells, start, end
        start = taken


def _delimiter(sample: str) -> str:
    """Return the delimiter that cuts the first rows to the most, and equally many, cells."""
    return max(_DELIMITERS, key=lambda delimiter: _evenness(sample, delimiter))


def _evenness(sample: str, delimiter: str) -> float:
    try:
        rows = islice(csv.reader(StringIO(sample, newline=""), delimiter=delimiter), _SAMPLE_ROWS)
        sizes = [len(row) for row in rows if row]
    except csv.Error:
        return 0.0
    if len(sizes) > 1:
        sizes = sizes[: _SAMPLE_ROWS - 1] if len(sample) == _SAMPLE else sizes
    usual = max(set(sizes), key=sizes.count, default=1)
    return 0.0 if usual < 2 else sizes.count(usual) / len(sizes) + usual / 1_000
