"""Documents on their way to passages: the files that a survey found, and what a program gives."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import InputError
from bottega_plugins.knowledge.documents import folder
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.documents.skipped import Skipped, SkippedError
from bottega_plugins.knowledge.index.ahead import ahead
from bottega_plugins.knowledge.index.record import DocumentInfo, NewDocument, Origin
from bottega_plugins.knowledge.index.seen import Seen
from bottega_plugins.knowledge.index.survey import Survey, looks_of_file

if TYPE_CHECKING:
    from bottega_plugins.knowledge.documents.reader import DocumentReader
    from bottega_plugins.knowledge.index.snapshot import Snapshot
    from bottega_plugins.knowledge.index.store import Store

_AT_ONCE = 4
"""Files that are read at a time: some formats are read in processes of their own."""


@dataclass(kw_only=True, slots=True)
class Intake:
    """Reads documents and tells which it left out."""

    store: Store
    reader: DocumentReader
    skipped: list[Skipped] = field(default_factory=list[Skipped])
    unchanged: set[str] = field(default_factory=set[str])
    """Sources of given documents that the index has as they are."""

    async def files(self, found: Survey) -> AsyncGenerator[NewDocument]:
        """Yield the files that the survey found new or changed; what cannot be read is skipped."""
        async with aclosing(ahead(found.to_read, self._file, _AT_ONCE)) as read:
            async for made, seen in read:
                if isinstance(made, NewDocument):
                    found.seen.append(seen)
                    yield made
                    continue
                found.skipped.append(made)
                found.gone.append(made.source)
                if seen.reason:
                    found.seen.append(seen)

    async def _file(self, listed: tuple[str, Path]) -> tuple[NewDocument | Skipped, Seen]:
        """Return the file as a document, or why it is none; without a reason it was not read."""
        source, path = listed
        looks = looks_of_file(path)
        reason = digest = ""
        try:
            data = await asyncio.to_thread(folder.read, path)
            digest = hashlib.sha256(data).hexdigest()
            made = await self._cut(Document(source=source, content=data), digest, "folder")
        except (SkippedError, InputError) as error:
            reason = str(error)
            seen = Seen(source=source, looks=looks, sha256="", reason=reason if digest else "")
            return Skipped(source=source, reason=reason), seen
        return made, Seen(source=source, looks=looks, sha256=digest)

    async def given(
        self, documents: AsyncIterator[Document], known: Snapshot | None
    ) -> AsyncGenerator[NewDocument]:
        """Yield the documents that the index does not have as they are."""
        changed: set[str] = set()
        async for document in documents:
            source, digest = document.source, _digest(document)
            # one that was given before in another form is to be replaced in any case
            before = None if source in changed else await self._find(known, source)
            if before and before.sha256 == digest:
                self.unchanged.add(source)
                continue
            try:
                made = await self._cut(document, digest, "added")
            except SkippedError as error:
                self.skipped.append(Skipped(source=source, reason=str(error)))
                continue
            self.unchanged.discard(source)
            changed.add(source)
            yield made

    async def _find(self, known: Snapshot | None, source: str) -> DocumentInfo | None:
        if known is None:
            return None
        with self.store.hinted():
            found = await asyncio.to_thread(known.find, source)
        return found[1] if found else None

    async def _cut(self, document: Document, digest: str, origin: Origin) -> NewDocument:
        reading = await self.reader.read(document)
        info = DocumentInfo(
            source=document.source,
            title=reading.title,
            format=reading.format,
            metadata=reading.metadata,
            sha256=digest,
            origin=origin,
        )
        return NewDocument(info=info, chunks=reading.chunks)


def _digest(document: Document) -> str:
    """Return what changes with anything that the caller gave."""
    content = document.content
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    try:
        told = json.dumps([document.title, document.format, dict(document.metadata)])
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the metadata of {document.source!r} is no JSON: {error}") from None
    return hashlib.sha256(f"{told}\n".encode() + data).hexdigest()
