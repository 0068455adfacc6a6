"""The way of one document: bytes, format, text, structure, passages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bottega.errors import InputError
from bottega.messages import Json
from bottega_plugins.knowledge.documents.chunk import Chunk
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.documents.draft import without_surrogates
from bottega_plugins.knowledge.documents.folder import MOST_BYTES
from bottega_plugins.knowledge.documents.format import FORMATS, binary_format, text_format
from bottega_plugins.knowledge.documents.isolated import IsolatedParser, parse_in_process
from bottega_plugins.knowledge.documents.parsed import Parsed
from bottega_plugins.knowledge.documents.plain_text import decode
from bottega_plugins.knowledge.documents.skipped import SkippedError
from bottega_plugins.knowledge.documents.splitter import Splitter
from bottega_plugins.knowledge.documents.text_formats import parse_text, stands_apart

VERSION = 2
"""Raised when the same bytes would be read otherwise: indexes are then made anew."""
_LONGEST_TITLE = 300
_BINARY = ("pdf", "docx")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A document as its passages."""

    title: str
    format: str
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json], hash=False)
    """Of the whole document: what it says of itself, and over that what came with it."""
    chunks: tuple[Chunk, ...]


class DocumentReader:
    """Reads documents of all formats. Any number of them may be read at once."""

    def __init__(self, splitter: Splitter) -> None:
        self._splitter = splitter

    @property
    def version(self) -> str:
        """Another one when the same bytes would give other passages."""
        return f"{VERSION}:{self._splitter.version}"

    async def read(self, document: Document) -> Reading:
        """Return the document's passages, in order; at least one.

        Raises SkippedError, saying why, for what cannot be read, and InputError for a format that
        there is not; nothing else, whatever the bytes.
        """
        if document.format and document.format not in FORMATS:
            known = ", ".join(sorted(FORMATS))
            raise InputError(f"unknown format {document.format!r}", hint=f"known: {known}")
        form, text, read = await asyncio.to_thread(self._read_here, document)
        if read is not None:
            return read
        parsed = await _parsed_apart(form, text, document)
        return await asyncio.to_thread(self._cut, document, parsed, text)

    def _read_here(self, document: Document) -> tuple[str, str, Reading | None]:
        """Return format and text, and the passages unless it takes a process of its own."""
        form, text = _told(document)
        if form in _BINARY or stands_apart(text, form):
            return form, text, None
        parsed = parse_text(text, form, document.source)
        return form, text, self._cut(document, parsed, text)

    def _cut(self, document: Document, parsed: Parsed, text: str) -> Reading:
        title = document.title or parsed.title or PurePosixPath(document.source).name
        title = " ".join(title.split())[:_LONGEST_TITLE]
        chunks = self._splitter.cut(parsed, title, document.source, text)
        if not chunks:
            raise SkippedError("only blank space" if text else "no text in it")
        return Reading(
            title=title,
            format=parsed.format,
            metadata={**parsed.metadata, **document.metadata},
            chunks=chunks,
        )


def _told(document: Document) -> tuple[str, str]:
    """Return the format, and the text unless the format is a binary one."""
    content = document.content
    if len(content) > MOST_BYTES:
        raise SkippedError(f"larger than {MOST_BYTES // 1_000_000} MB")
    if isinstance(content, bytes):
        form = binary_format(content, "" if document.format else document.source)
        if form:
            return form, ""
        content = decode(content)
    if document.format in _BINARY:
        raise SkippedError(f"not a {document.format.upper()} file")
    return document.format or text_format(content, document.source), without_surrogates(content)


async def _parsed_apart(form: str, text: str, document: Document) -> Parsed:
    content = document.content
    if form in _BINARY and isinstance(content, bytes):
        return await parse_in_process(_binary_parser(form), content, form)
    from bottega_plugins.knowledge.documents.text_parser import TextParser

    return await parse_in_process(TextParser(), text.encode(), form)


def _binary_parser(form: str) -> IsolatedParser:
    if form == "pdf":
        from bottega_plugins.knowledge.documents.pdf import PdfParser

        return PdfParser()
    from bottega_plugins.knowledge.documents.docx import DocxParser

    return DocxParser()
