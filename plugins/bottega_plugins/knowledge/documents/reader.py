"""The way of one document: bytes, format, text, structure, passages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from bottega.messages import Json
from bottega_plugins.knowledge.documents.chunk import Chunk
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.documents.plain_text import decode
from bottega_plugins.knowledge.documents.skipped import SkippedError
from bottega_plugins.knowledge.documents.splitter import Splitter


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
        return self._splitter.version

    async def read(self, document: Document) -> Reading:
        """Return the document's passages, in order; at least one.

        Raises SkippedError, saying why, for what cannot be read; nothing else, whatever the bytes.
        """
        return await asyncio.to_thread(self._read, document)

    def _read(self, document: Document) -> Reading:
        content = document.content
        text = content if isinstance(content, str) else decode(content)
        title, chunks = self._splitter.split(document.source, text)
        if not chunks:
            raise SkippedError("only blank space")
        return Reading(
            title=document.title or title,
            format=document.format or "text",
            metadata=document.metadata,
            chunks=chunks,
        )
