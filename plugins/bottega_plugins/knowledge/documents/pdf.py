"""PDF through PDFium, as pypdfium2 brings it: pages, their text, and headings from bookmarks.

PDFium is the reader of Chrome: permissively licensed, updated monthly and built to be attacked. It
is a C++ library all the same, so it runs in a process of its own, which imports this module. pypdf
is pure Python and took 12 times as long for two manuals. Scanned pages have no text: none is
recognised.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bottega_plugins.knowledge.documents.draft import Draft
from bottega_plugins.knowledge.documents.facts import facts
from bottega_plugins.knowledge.documents.isolated import IsolatedParser
from bottega_plugins.knowledge.documents.outline import Heading, sections
from bottega_plugins.knowledge.documents.parsed import Parsed, Section
from bottega_plugins.knowledge.documents.skipped import SkippedError

pdfium: Any = import_module("pypdfium2")  # it has no types

MOST_PAGES = 5_000
_MOST_BOOKMARKS = 5_000
_LONGEST_HEADING = 300
_PASSWORD = 4
"""PDFium's number for a document that needs one."""
_HYPHEN = re.compile("[\ufffe\x02]\r?\n?")
"""What PDFium writes for a hyphen that ends a line."""
_LEADERS = re.compile(r"\s*(?:\. ?){4,}")
"""The dots of a table of contents."""
_MOST_EDGE_LINES = 2
_LEAST_REPEATS = 4
_DIGITS = re.compile(r"[0-9]+")
_DATE = re.compile(r"D?:?([0-9]{4})([0-9]{2})([0-9]{2})")
_POOR_TITLE = re.compile(r"untitled|microsoft word|\.(?:docx?|pdf|tex|dvi|indd|qxd|pptx?)$", re.I)


class PdfParser(IsolatedParser):
    """Reads the text of a PDF."""

    def parse(self, data: bytes, form: str) -> Parsed:
        document = _opened(data)
        texts = list(_texts(document))
        if not any(text.strip() for text in texts):
            raise SkippedError("no text in it: scanned pages?")
        return _parsed(_without_edges(texts), _bookmarks(document), document.get_metadata_dict())


@dataclass(frozen=True, slots=True)
class _Bookmark:
    title: str
    level: int
    page: int


def _opened(data: bytes) -> Any:
    try:
        document = pdfium.PdfDocument(data)
        pages = len(document)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", 0) == _PASSWORD:
            raise SkippedError("encrypted: it needs a password") from None
        raise SkippedError("a broken PDF") from None
    if not pages:
        raise SkippedError("a PDF without pages")
    if pages > MOST_PAGES:
        raise SkippedError(f"a PDF of more than {MOST_PAGES:,} pages")
    return document


def _texts(document: Any) -> Iterator[str]:
    """Yield the text of each page; that of a page that cannot be read is empty."""
    for number in range(len(document)):
        try:
            page = document[number]
            view = page.get_textpage()
            text = str(view.get_text_bounded())
            view.close()
            page.close()
        except pdfium.PdfiumError:
            text = ""
        text = _HYPHEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
        yield _LEADERS.sub(" ... ", text.replace("\0", ""))


def _bookmarks(document: Any) -> list[_Bookmark]:
    found: list[_Bookmark] = []
    for bookmark in document.get_toc():
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        title = " ".join(str(bookmark.get_title()).split())[:_LONGEST_HEADING]
        if title and page is not None and 0 <= page < len(document):
            found.append(_Bookmark(title, bookmark.level, page))
        if len(found) >= _MOST_BOOKMARKS:
            break
    return found


def _parsed(texts: Sequence[str], bookmarks: list[_Bookmark], about: dict[str, str]) -> Parsed:
    draft, pages = Draft(), list[int]()
    for text in texts:
        pages.append(draft.size)
        draft.put(f"{text.strip()}\n")
    whole = draft.text()
    title = " ".join(about.get("Title", "").split())
    if _POOR_TITLE.search(title):
        title = ""
    headings = list(_headings(whole, pages, bookmarks))
    parts = [
        piece
        for section in sections(headings, whole, 0, title)
        for piece in _by_page(section, pages)
    ]
    return Parsed(
        format="pdf",
        title=title,
        text=whole,
        sections=parts,
        metadata={**_about(about), "pages": len(texts)},
        pages=pages,
    )


def _headings(text: str, pages: Sequence[int], bookmarks: Sequence[_Bookmark]) -> Iterator[Heading]:
    """Place each bookmark where its title stands on its page, else where the page begins."""
    ends = [*pages[1:], len(text)]
    position = 0
    for mark in sorted(bookmarks, key=lambda mark: mark.page):
        page_start, page_end = max(position, pages[mark.page]), ends[mark.page]
        words = [re.escape(word) for word in mark.title.split()[:20]]
        number = r"(?:[0-9A-Z][0-9.]*\s+)?"  # printed in front, often not in the bookmark
        line = r"\s+".join(words)
        pattern = re.compile(rf"^{number}{line}\s*?$", re.MULTILINE | re.IGNORECASE)
        found = pattern.search(text, page_start, page_end)
        start, end = found.span() if found else (page_start, page_start)
        yield Heading(title=mark.title, level=mark.level, start=start, end=end)
        position = end


def _by_page(section: Section, pages: Sequence[int]) -> Iterator[Section]:
    """Cut a section at the ends of pages, so that each passage stands on one page."""
    cuts = [page for page in pages if section.start < page < section.end]
    for start, end in zip([section.start, *cuts], [*cuts, section.end], strict=True):
        yield Section(heading=section.heading, start=start, end=end)


def _without_edges(texts: Sequence[str]) -> list[str]:
    """Leave out what stands at the top or bottom of most pages: running titles, page numbers."""
    pages = [text.strip().split("\n") for text in texts]
    seen: Counter[str] = Counter()
    for lines in pages:
        most = _edge_lines(lines)
        seen.update({_edge(line) for line in (*lines[:most], *lines[len(lines) - most :])})
    often = {line for line, times in seen.items() if times >= max(_LEAST_REPEATS, len(pages) // 2)}
    return ["\n".join(_between_edges(lines, often)) for lines in pages]


def _between_edges(lines: list[str], often: set[str]) -> list[str]:
    most = _edge_lines(lines)
    start, end = 0, len(lines)
    while start < most and _edge(lines[start]) in often:
        start += 1
    while end > len(lines) - most and _edge(lines[end - 1]) in often:
        end -= 1
    return lines[start:end]


def _edge_lines(lines: Sequence[str]) -> int:
    """Return how many lines at either end may be no part of the text."""
    return min(_MOST_EDGE_LINES, len(lines) // 3)


def _edge(line: str) -> str:
    return _DIGITS.sub("#", " ".join(line.split()))


def _about(about: dict[str, str]) -> dict[str, Any]:
    created = _DATE.match(about.get("CreationDate", ""))
    return facts(
        {
            "author": about.get("Author"),
            "subject": about.get("Subject"),
            "keywords": about.get("Keywords"),
            "created": "-".join(created.groups()) if created else None,
        }
    )
