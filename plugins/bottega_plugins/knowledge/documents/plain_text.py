"""From a file's bytes to its text, judged by content and never by the file's name.

The order: byte-order mark, UTF-8, what the text declares of itself (HTML's meta, XML, PEP 263),
what charset-normalizer finds in a sample of a script other than Latin, Windows-1252. UTF-16
without a mark is known by its zeros.
"""

from __future__ import annotations

import codecs
import re
from importlib import import_module

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
_MOST_IN_UTF8 = 0.1
"""The same where bytes are UTF-8, as those of images and archives never are."""
_DECLARED = (
    re.compile(rb"\A\s{0,100}<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{2,40})"),
    re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE),
    re.compile(rb"\A(?:[^\n]{0,200}\n)?[ \t\f]*#[^\n]{0,100}?coding[:=][ \t]*([\w.-]{2,40})"),
)
_DECLARATION = 4_096
"""Bytes at the beginning in which a declaration is looked for."""
_SAMPLE = 65_536
_FOREIGN = 0.5
"""Share of bytes beyond ASCII among letters. Latin scripts have less, all others have more. Of
Latin ones the detector takes French for Baltic, so these are taken as Windows-1252."""
_LEAST_FOREIGN = 32


def decode(data: bytes) -> str:
    """Return the text of the bytes.

    Line ends stay as they are; a byte-order mark is no part of the text. Raises SkippedError for
    what is not text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _as_marked(data[len(mark) :], encoding)
    most = _MOST_IN_UTF8
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text, most = _legacy(data), _MOST_CONTROLS
    if "\0" in text:
        text = _unmarked_utf16(data) or text
    if len(_CONTROL.findall(text)) > max(1, len(text) * most):
        raise SkippedError("binary data")
    return text


def _as_marked(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise SkippedError(f"broken {encoding}: {error.reason} at byte {error.start}") from None


def _legacy(data: bytes) -> str:
    """Decode what is not UTF-8; binary data come out as a text full of controls."""
    text = _declared(data)
    if text is None and not _CONTROL.search(data[:_SAMPLE].decode("latin-1")):
        text = _detected(data)
    # cp1252 is Latin-1 with typographic quotes where Latin-1 has controls that nobody writes
    return text or _decoded(data, "cp1252") or data.decode("latin-1")


def _declared(data: bytes) -> str | None:
    for pattern in _DECLARED:
        match = pattern.search(data[:_DECLARATION])
        name = match[1].decode("ascii", "replace").lower() if match else ""
        if name:
            name = "cp1252" if name in ("iso-8859-1", "latin-1", "latin1", "us-ascii") else name
            text = _decoded(data, name)
            if text is not None:
                return text
    return None


def _detected(data: bytes) -> str | None:
    """Return the text in the encoding that makes most sense; None where Windows-1252 is likely."""
    sample = data[:_SAMPLE]
    beyond = sum(byte >= 0x80 for byte in sample)
    letters = sum(byte > 0x40 for byte in sample)
    if beyond < max(_LEAST_FOREIGN, letters * _FOREIGN):
        return None
    best = import_module("charset_normalizer").from_bytes(sample).best()
    return None if best is None else _decoded(data, str(best.encoding))


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        if codecs.lookup(encoding)._is_text_encoding:  # `rot13`, `zlib` are none
            return data.decode(encoding)
    except (LookupError, UnicodeError, ValueError):
        return None
    return None


def _unmarked_utf16(data: bytes) -> str | None:
    """Decode UTF-16 that has no mark: every other byte of a Western text is zero."""
    half = max(1, len(data[:_SAMPLE]) // 2)
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if data[offset:_SAMPLE:2].count(0) > 0.4 * half > data[1 - offset : _SAMPLE : 2].count(0):
            return _decoded(data, encoding)
    return None
