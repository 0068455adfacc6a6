"""What a document is: by its first bytes, else by its name's ending, else by how its text begins.

What is told apart here only to be refused has a reason instead of a format.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import PurePosixPath

from bottega_plugins.knowledge.documents.skipped import SkippedError

_ENDINGS = {
    "markdown": ".md .markdown .mdown .mkd .mdx .qmd",
    "rst": ".rst .rest",
    "html": ".html .htm .xhtml .shtml",
    "xml": ".xml .svg .xsd .xsl .rss .atom .docbook .dita .opml",
    "csv": ".csv .tsv .tab .psv",
    "json": ".json .geojson .jsonld .webmanifest",
    "jsonl": ".jsonl .ndjson .jsonlines",
    "notebook": ".ipynb",
    "python": ".py .pyi .pyw",
    "pdf": ".pdf",
    "docx": ".docx .docm",
    "code": ".bash .c .cc .cfg .clj .cmake .conf .cpp .cs .css .cu .cxx .dart .el .erl .ex .exs"
    " .f90 .fish .fs .go .gradle .groovy .h .hh .hpp .hs .ini .java .jl .js .jsx .kt .kts .less"
    " .lisp .lua .m .mjs .ml .mm .nim .nix .php .pl .pm .proto .ps1 .r .rb .rs .sass .scala .scss"
    " .sh .sql .svelte .swift .tcl .tf .toml .ts .tsx .v .vim .vue .yaml .yml .zig .zsh",
}
_BY_ENDING = {ending: name for name, endings in _ENDINGS.items() for ending in endings.split()}
FORMATS = frozenset(("text", *_ENDINGS))
"""Formats that can be read."""

_MAGIC = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"!<arch>\n", "an ar archive"),
    (b"\x89PNG\r\n", "binary data: a PNG image"),
    (b"\xff\xd8\xff", "binary data: a JPEG image"),
    (b"GIF87a", "binary data: a GIF image"),
    (b"GIF89a", "binary data: a GIF image"),
    (b"\x7fELF", "binary data: a program"),
    (b"SQLite format 3\0", "binary data: an SQLite database"),
    (b"\x80\x04\x95", "binary data: a pickle, which is never opened"),
    (b"{\\rtf", "an RTF text: save it as .docx or .txt"),
    (b"%!PS", "PostScript: save it as PDF"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_INSIDE_ZIP = (
    ("xl/", "an Excel workbook: save its sheets as CSV"),
    ("ppt/", "a PowerPoint presentation: save it as PDF"),
    ("META-INF/container.xml", "an EPUB book: save it as HTML or PDF"),
    ("content.xml", "an OpenDocument file: save it as .docx"),
)
MOST_ENTRIES = 10_000
"""Files in a zip archive, beyond which it is not even looked at."""
_SIGNED = 1_024
"""Bytes at the beginning in which a PDF has its mark."""
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype html|html)\b", re.I
)


def binary_format(data: bytes, source: str) -> str:
    """Return `pdf` or `docx`, or an empty string for what may be text.

    Raises SkippedError for archives and whatever else is known and not read.
    """
    named = _named(source)
    if b"%PDF-" in data[:_SIGNED] and (named == "pdf" or data[:_SIGNED].lstrip()[:5] == b"%PDF-"):
        return "pdf"
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        return _inside_zip(data)
    if data.startswith(_OLE):
        encrypted = "EncryptedPackage".encode("utf-16-le") in data
        raise SkippedError("encrypted" if encrypted else "an old Office file: save it as .docx")
    if data[257:262] == b"ustar":
        raise SkippedError("a tar archive: unpack it first")
    if data[:3] == b"BZh" and data[4:10] == b"1AY&SY":
        raise SkippedError("a bzip2 archive: unpack it first")
    for magic, reason in _MAGIC:
        if data.startswith(magic):
            unpack = ": unpack it first" if reason.endswith("archive") else ""
            raise SkippedError(f"{reason}{unpack}")
    if named in ("pdf", "docx"):
        raise SkippedError(f"not a {named.upper()} file, whatever its name says")
    return ""


def text_format(text: str, source: str) -> str:
    """Return the format of a text."""
    named = _named(source)
    if named in ("csv", "json", "jsonl", "notebook", "python", "code", "markdown", "rst"):
        return named
    if _HTML.match(text[:4_096]):
        return "html"
    if named in ("html", "xml"):
        return named
    if text.startswith("#!"):
        return "python" if "python" in text[:100].partition("\n")[0] else "code"
    return "text"


def _named(source: str) -> str:
    """Return the format that a file's or an address's ending stands for; empty for none known."""
    if "://" in source:
        source = source.partition("#")[0].partition("?")[0]
    return _BY_ENDING.get(PurePosixPath(source).suffix.lower(), "")


def _inside_zip(data: bytes) -> str:
    """Look at the names in a zip archive; nothing of it is unpacked."""
    if data.count(b"PK\x01\x02") > MOST_ENTRIES:  # zipfile takes 1 KB for each
        raise SkippedError(f"a zip archive of more than {MOST_ENTRIES:,} files")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError):
        raise SkippedError("a broken zip archive") from None
    if "[Content_Types].xml" in names and any(name.startswith("word/") for name in names):
        return "docx"
    for start, reason in _INSIDE_ZIP:
        if any(name.startswith(start) for name in names):
            raise SkippedError(reason)
    raise SkippedError("a zip archive: unpack it first")
