"""Which encoding a file is in, judged by its first bytes; binary files are told from text."""

from __future__ import annotations

import codecs
import re
from importlib import import_module

SAMPLE = 65_536
"""Bytes that are looked at."""
_MARKS = (  # the mark of UTF-32 begins with that of UTF-16: longest first
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(b"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROLS = 0.01
"""Share of control bytes above which bytes are not text."""
_LEAST_FOREIGN = 32
"""Bytes beyond ASCII from which the detector has something to judge by."""
_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
)


def encoding_of(sample: bytes) -> str | None:
    """Return the codec for a text that begins so; None where it is no text."""
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    if len(_CONTROL.findall(sample)) > max(1, len(sample) * _MOST_CONTROLS):
        return _unmarked(sample)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)  # a letter may be cut at the end
    except UnicodeDecodeError:
        return _legacy(sample)
    return "utf-8"


def kind_of(sample: bytes) -> str:
    """Return what a file is that is no text, in words."""
    found = (kind for mark, kind in _KINDS if sample.startswith(mark))
    return next(found, "binary data")


def _unmarked(sample: bytes) -> str | None:
    """Know UTF-16 without a mark by its zeros: every other byte of a Western text is one."""
    half = max(1, len(sample) // 2)
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[offset::2].count(0) > 0.4 * half > sample[1 - offset :: 2].count(0):
            return encoding
    return None


def _legacy(sample: bytes) -> str:
    """Ask the detector where there is enough to judge by; it takes French for Baltic."""
    beyond = sum(byte >= 0x80 for byte in sample)
    letters = sum(byte > 0x40 for byte in sample)
    if beyond >= max(_LEAST_FOREIGN, letters // 2):
        best = import_module("charset_normalizer").from_bytes(sample).best()
        if best is not None:
            return str(best.encoding)
    return "cp1252"
