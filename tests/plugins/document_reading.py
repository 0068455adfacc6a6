"""Reading documents in tests."""

from __future__ import annotations

import asyncio

from hash_embedder import HashEmbedder

from bottega.messages import Json
from bottega_plugins.knowledge.documents.chunk import Chunk
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.documents.reader import DocumentReader, Reading
from bottega_plugins.knowledge.documents.splitter import Splitter

SPLITTER = Splitter(token_spans=HashEmbedder().token_spans, max_tokens=128)


def read(content: str | bytes, name: str = "notes.txt", **given: Json) -> Reading:
    """Read one document."""
    reader = DocumentReader(SPLITTER)
    return asyncio.run(reader.read(Document(source=name, content=content, **given)))


def texts(reading: Reading) -> list[str]:
    """Return what its passages say."""
    return [chunk.text for chunk in reading.chunks]


def headings(reading: Reading) -> list[str]:
    """Return under what its passages stand."""
    return [chunk.heading for chunk in reading.chunks]


def only(reading: Reading) -> Chunk:
    """Return its one passage."""
    (chunk,) = reading.chunks
    return chunk
