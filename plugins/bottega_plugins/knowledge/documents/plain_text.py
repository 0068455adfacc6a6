"""From a file's bytes to its text, judged by content and never by the file's name."""

from __future__ import annotations

import codecs
import re

from bottega_plugins.knowledge.documents.skipped import SkippedError

_MARKS = (  # the mark of UTF-32 begins with that of UTF-16: longest first
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROLS = 0.01
"""Share of control characters above which bytes are not text. Compressed data have 0.1."""


def decode(data: bytes) -> str:
    """Return the text: UTF-8, UTF-16 or UTF-32 with a byte-order mark, or Latin-1.

    Line ends stay as they are; the mark is no part of the text. Raises SkippedError.
    """
    if data.startswith(b"%PDF-"):
        raise SkippedError("a PDF: only plain text is read")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = _eight_bits(data)
    if len(_CONTROL.findall(text)) > max(1, len(text) * _MOST_CONTROLS):
        raise SkippedError("binary data")
    return text


def _marked(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise SkippedError(f"broken {encoding}: {error.reason} at byte {error.start}") from None


def _eight_bits(data: bytes) -> str:
    # cp1252 is Latin-1 with typographic quotes where Latin-1 has controls that nobody writes
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
