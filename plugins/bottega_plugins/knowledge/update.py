"""Bringing an index up to date: what changed in the folder, and nothing else, costs work."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bottega.errors import StorageError
from bottega_plugins.knowledge.documents import folder
from bottega_plugins.knowledge.documents.chunk import embedded_text
from bottega_plugins.knowledge.documents.plain_text import decode
from bottega_plugins.knowledge.documents.skipped import Skipped, SkippedError
from bottega_plugins.knowledge.documents.splitter import Splitter
from bottega_plugins.knowledge.pending import Pending, text_key
from bottega_plugins.knowledge.snapshot import Entry, Snapshot, passages

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega.embedder import Embedder

BATCH = 64
"""Passages that are embedded, and kept, at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far an update is."""

    stage: Literal["read", "embed", "save"]
    done: int
    """Files while reading, passages while embedding."""
    total: int


Report = Callable[[Progress], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateReport:
    """What an update did; the numbers count files unless they say otherwise."""

    added: int
    changed: int
    deleted: int
    unchanged: int
    skipped: tuple[Skipped, ...]
    chunks: int
    """Passages in the index now."""
    embedded: int
    """Passages whose vectors had to be computed."""
    seconds: float
    rebuilt: str = ""
    """Why the old index was not built upon; empty when it was, or when there was none."""

    @property
    def files(self) -> int:
        """Documents in the index now."""
        return self.added + self.changed + self.unchanged

    @property
    def nothing_to_do(self) -> bool:
        """Whether the index was up to date already."""
        return not (self.added or self.changed or self.deleted or self.rebuilt)


@dataclass(kw_only=True)
class Survey:
    """What is in the folder now, compared with what is in the index."""

    entries: list[Entry] = field(default_factory=list)
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: list[Skipped] = field(default_factory=list)


async def survey(
    docs: Path, known: Mapping[str, Entry], splitter: Splitter, *, leave_out: Path, report: Report
) -> Survey:
    """Read the folder and cut what is new or changed to passages."""
    found = Survey()
    listed = await asyncio.to_thread(lambda: list(folder.files(docs, leave_out)))
    for done, (source, path) in enumerate(listed, start=1):
        if isinstance(path, Skipped):
            found.skipped.append(path)
        else:
            await asyncio.to_thread(_add_file, found, known, splitter, (source, path))
        report(Progress(stage="read", done=done, total=len(listed)))
    return found


def _add_file(
    found: Survey, known: Mapping[str, Entry], splitter: Splitter, file: tuple[str, Path]
) -> None:
    source, path = file
    try:
        entry = _entry(source, path, known.get(source), splitter)
    except SkippedError as reason:
        found.skipped.append(Skipped(source=source, reason=str(reason)))
        return
    old = known.get(source)
    if entry is old:
        found.unchanged += 1
    elif old is None:
        found.added += 1
    else:
        found.changed += 1
    found.entries.append(entry)


def _entry(source: str, path: Path, old: Entry | None, splitter: Splitter) -> Entry:
    data = folder.read(path)
    digest = hashlib.sha256(data).hexdigest()
    if old is not None and old.sha256 == digest:
        return old
    title, chunks = splitter.split(source, decode(data))
    if not chunks:
        raise SkippedError("only blank space")
    return Entry(source=source, sha256=digest, title=title, chunks=chunks)


async def embed(
    entries: Sequence[Entry],
    old: Snapshot | None,
    embedder: Embedder,
    pending: Pending,
    report: Report,
) -> tuple[NDArray[np.float32], int]:
    """Return the vectors of all passages, in order, and how many had to be computed.

    A text whose vector is known, from the old index or an interrupted update, is not embedded.
    """
    import numpy as np

    texts = [embedded_text(entry.title, chunk) for entry, chunk in passages(entries)]
    keys = [text_key(embedder.name, text) for text in texts]
    vectors = await asyncio.to_thread(_known_vectors, keys, old, embedder, pending)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
    waiting = list(missing.items())
    for start in range(0, len(waiting), BATCH):
        report(Progress(stage="embed", done=start, total=len(waiting)))
        batch = waiting[start : start + BATCH]
        rows = _checked(await embedder.embed([text for _, text in batch]), len(batch), embedder)
        batch_keys = [key for key, _ in batch]
        await asyncio.to_thread(pending.add, batch_keys, rows)
        vectors.update(zip(batch_keys, rows, strict=True))
    report(Progress(stage="embed", done=len(waiting), total=len(waiting)))
    if not keys:
        return np.empty((0, embedder.dimension), dtype=np.float32), 0
    return np.stack([vectors[key] for key in keys]), len(waiting)


def _known_vectors(
    keys: Iterable[bytes], old: Snapshot | None, embedder: Embedder, pending: Pending
) -> dict[bytes, NDArray[np.float32]]:
    vectors = pending.find(keys)
    if old is not None:
        for (entry, chunk), row in zip(old.passages, old.vectors.rows(), strict=True):
            vectors[text_key(embedder.name, embedded_text(entry.title, chunk))] = row
    return vectors


def _checked(rows: NDArray[np.float32], count: int, embedder: Embedder) -> NDArray[np.float32]:
    """Return the rows; those with NaN become zero, so that they are found by their words alone."""
    import numpy as np

    expected = (count, embedder.dimension)
    if rows.shape != expected:
        raise StorageError(
            f"the embedder {embedder.name!r} returned vectors of shape {rows.shape}, not {expected}"
        )
    return np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, np.float32(0))
