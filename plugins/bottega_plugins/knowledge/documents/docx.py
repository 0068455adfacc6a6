"""DOCX: headings, paragraphs, lists and tables, one line each: line 7 is paragraph 7.

python-docx opens the package and knows its styles; the body is walked here, since content controls
and inserted text are not among what it lists. Deleted and hidden text is left out. Sizes are
checked before anything is unpacked, and it runs in a process of its own, which imports this module.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from typing import Any

import docx
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn

from bottega_plugins.knowledge.documents.draft import Draft
from bottega_plugins.knowledge.documents.facts import facts
from bottega_plugins.knowledge.documents.isolated import IsolatedParser
from bottega_plugins.knowledge.documents.outline import Heading, sections
from bottega_plugins.knowledge.documents.parsed import Parsed
from bottega_plugins.knowledge.documents.skipped import SkippedError
from bottega_plugins.knowledge.documents.table import column_names, labelled

_LxmlError: type[Exception] = import_module("lxml.etree").LxmlError  # it has no types

MOST_UNPACKED = 200_000_000
"""Bytes of all parts together."""
_MOST_PART = 100_000_000
_MOST_RATIO = 200
"""Times that a part of over 1 MB may be larger than it is in the archive. Text has 5 to 20."""
_SMALL_PART = 1_000_000
_HEADING = re.compile(r"heading ([1-9])$", re.IGNORECASE)
_ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class DocxParser(IsolatedParser):
    """Reads the text of a DOCX file."""

    def parse(self, data: bytes, form: str) -> Parsed:
        _check(data)
        try:
            package = docx.Document(BytesIO(data))
        except (PackageNotFoundError, _LxmlError, KeyError, ValueError, AttributeError) as error:
            raise SkippedError(f"a broken DOCX file: {type(error).__name__}") from None
        return _Writer(package).parsed()


def _check(data: bytes) -> None:
    """Refuse what would take too much when it is unpacked. Raises SkippedError."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            parts = archive.infolist()
            for part in parts:
                _check_part(part)
            if sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise SkippedError(f"larger than {MOST_UNPACKED // 1_000_000} MB when unpacked")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and _ENTITY.search(archive.read(part)):
                    raise SkippedError("its XML declares entities")
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise SkippedError(f"a broken DOCX file: {error}") from None


def _check_part(part: zipfile.ZipInfo) -> None:
    if part.flag_bits & 1:
        raise SkippedError("encrypted")
    packed = max(1, part.compress_size)
    bomb = part.file_size > _SMALL_PART and part.file_size > packed * _MOST_RATIO
    if bomb or part.file_size > _MOST_PART:
        raise SkippedError(f"a part of it unpacks to {part.file_size // 1_000_000} MB")


_P, _TBL, _TR, _TC, _R = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc"), qn("w:r")
_T, _TAB, _BR, _CR = qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr")
_VANISH, _RPR = qn("w:vanish"), qn("w:rPr")
_SKIPPED = {qn("w:del"), qn("w:moveFrom"), qn("w:pPr"), qn("w:instrText")}
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


class _Writer:
    """Writes the body as lines."""

    def __init__(self, package: Any) -> None:
        self._package = package
        self._draft = Draft()
        self._headings: list[Heading] = []
        self._title = ""
        self._breaks: list[int] = []

    def parsed(self) -> Parsed:
        for element in _blocks(self._package.element.body):
            if element.tag == _P:
                self._paragraph(element)
            else:
                self._table(element)
        text = self._draft.text()
        about = self._package.core_properties
        title = self._title or " ".join((about.title or "").split())
        if not title and self._headings:
            title = self._headings[0].title
        return Parsed(
            format="docx",
            title=title,
            text=text,
            sections=list(sections(self._headings, text, 0, title, self._breaks)),
            metadata=_about(about),
        )

    def _paragraph(self, element: Any) -> None:
        text = _text(element)
        start = self._draft.size
        self._breaks.append(start)
        item = element.pPr is not None and element.pPr.numPr is not None
        style = self._style(element)
        level = _HEADING.match(style)
        self._draft.put(f"{'- ' if item and text and not level else ''}{text}\n")
        if text and level:
            end = self._draft.size
            self._headings.append(Heading(title=text, level=int(level[1]), start=start, end=end))
        elif text and style == "Title" and not self._title:
            self._title = text

    def _style(self, element: Any) -> str:
        """Return the name of the paragraph's style, in English also in translated documents."""
        name = element.style
        try:
            found = self._package.part.get_style(name, 1) if name else None
        except (KeyError, AttributeError):
            return ""
        return str(found.name) if found is not None else ""

    def _table(self, element: Any) -> None:
        rows = [[_cell(cell) for cell in row.iter(_TC)] for row in element.iterchildren(_TR)]
        names = column_names(rows[0]) if len(rows) > 2 and len(rows[0]) > 1 else []
        for number, row in enumerate(rows):
            self._breaks.append(self._draft.size)
            cells = labelled(row, names if number else None)
            self._draft.put(" | ".join(cells) + "\n")


def _blocks(body: Any) -> Iterator[Any]:
    """Yield paragraphs and tables in order, also those in content controls."""
    waiting = list(reversed(body))
    while waiting:
        element = waiting.pop()
        if element.tag in (_P, _TBL):
            yield element
        else:
            waiting.extend(reversed(element))


def _text(paragraph: Any) -> str:
    pieces: list[str] = []
    waiting = list(reversed(paragraph))
    while waiting:
        element = waiting.pop()
        tag = element.tag
        if tag == _T:
            pieces.append(element.text or "")
        elif tag in (_TAB, _BR, _CR):
            pieces.append(" ")
        elif tag not in _SKIPPED and tag != _FALLBACK and not _is_hidden(element):
            waiting.extend(reversed(element))
    return " ".join("".join(pieces).split())


def _is_hidden(element: Any) -> bool:
    if element.tag != _R:
        return False
    properties = element.find(_RPR)
    return properties is not None and properties.find(_VANISH) is not None


def _cell(cell: Any) -> str:
    return " ".join(text for p in cell.iter(_P) if (text := _text(p)))


def _about(about: Any) -> dict[str, Any]:
    return facts(
        {
            "author": about.author,
            "subject": about.subject,
            "keywords": about.keywords,
            "category": about.category,
            "created": about.created.date() if about.created else None,
            "modified": about.modified.date() if about.modified else None,
        }
    )
