"""The text of a PDF, through PDFium in a process of its own: a hostile file costs only that.

Scanned pages have no text: none is recognised.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from bottega.errors import BottegaError, ToolError
from bottega.escape import one_line
from bottega.isolation import call_in_process
from bottega.tools import Tool, ToolContext
from bottega_tools.web.document import Document
from bottega_tools.web.visible import visible

_MOST_PAGES = 1_000
_DOCUMENT, _RESULT = "document.pdf", "pages.json"


class PdfText(Tool):
    """Reads the pages of a PDF; the other process imports this module."""

    effects = "none"
    isolation = "process"
    timeout = 20.0
    memory = 512 << 20

    def run(self, folder: str) -> str:
        """Read the document in the folder and write its title and pages there."""
        pdfium: Any = import_module("pypdfium2")  # it has no types
        place = Path(folder)
        try:
            document = pdfium.PdfDocument((place / _DOCUMENT).read_bytes())
            pages = [_page(document, number) for number in range(min(len(document), _MOST_PAGES))]
            title = document.get_metadata_value("Title")
        except pdfium.PdfiumError:
            raise ToolError("it is broken, or needs a password") from None
        found = {"title": title, "pages": pages, "more": len(document) > _MOST_PAGES}
        (place / _RESULT).write_text(json.dumps(found), encoding="ascii")
        return "read"


def _page(document: Any, number: int) -> str:
    page = document[number]
    view = page.get_textpage()
    text = str(view.get_text_bounded())
    view.close()
    page.close()
    return text


_READER = PdfText()


async def read_pdf(data: bytes, url: str) -> Document:
    """Return the document. Raises ToolError where it cannot be read."""
    with tempfile.TemporaryDirectory(prefix="bottega-") as folder:
        place = Path(folder)
        await asyncio.to_thread((place / _DOCUMENT).write_bytes, data)
        try:
            await call_in_process(_READER, {"folder": folder}, ToolContext(), _READER.timeout)
        except TimeoutError:
            raise _unread(url, "it takes too long") from None
        except BottegaError as error:
            raise _unread(url, one_line(error.message, 200)) from None
        found = json.loads(await asyncio.to_thread((place / _RESULT).read_text, "ascii"))
    return _document(found, url)


def _unread(url: str, problem: str) -> ToolError:
    return ToolError(f"{url} is a PDF that cannot be read: {problem}")


def _document(found: dict[str, Any], url: str) -> Document:
    blocks: list[str] = []
    pages: list[int] = []
    for number, text in enumerate(found["pages"], start=1):
        written = visible(text.replace("\r\n", "\n").replace("\ufffe\n", "")).strip()
        if written:
            blocks.append(written)
            pages.append(number)
    note = "" if blocks else "The PDF has no text: its pages may be scanned."
    if found["more"]:
        note = f"Only the first {_MOST_PAGES:,} pages were read."
    title = " ".join(visible(found["title"]).split())[:300]
    return Document(url=url, title=title, blocks=blocks, pages=pages, note=note)
