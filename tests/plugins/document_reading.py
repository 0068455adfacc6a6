"""Reading documents in tests."""

from __future__ import annotations

import asyncio

from hash_embedder import HashEmbedder

from bottega.messages import Json
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.documents.reader import DocumentReader, Reading
from bottega_plugins.knowledge.documents.splitter import Splitter

SPLITTER = Splitter(token_spans=HashEmbedder().token_spans, max_tokens=128)


def read(content: str | bytes, name: str = "notes.txt", **given: Json) -> Reading:
    """Read one document."""
    reader = DocumentReader(SPLITTER)
    return asyncio.run(reader.read(Document(source=name, content=content, **given)))
