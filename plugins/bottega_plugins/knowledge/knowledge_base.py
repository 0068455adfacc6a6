"""A folder of documents that can be searched: the retriever `faiss`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import InputError, StorageError
from bottega.messages import Citation
from bottega_plugins.knowledge.documents.splitter import Splitter
from bottega_plugins.knowledge.pending import Pending
from bottega_plugins.knowledge.ranking import rank
from bottega_plugins.knowledge.store import Store, index_folder
from bottega_plugins.knowledge.update import (
    Progress,
    Report,
    Survey,
    UpdateReport,
    embed,
    survey,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega.embedder import Embedder
    from bottega_plugins.knowledge.documents.chunk import Chunk
    from bottega_plugins.knowledge.snapshot import Entry, Snapshot

_LONGEST_QUERY = 10_000
_NOTHING = "the index does not exist"
_OTHER = "this version of Bottega cuts documents otherwise"


class KnowledgeBase:
    """A folder of documents and its index.

    Searches read a snapshot in memory, which is replaced when the index on disk changes; any number
    may run at once, also while an update does.
    """

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder
        self._splitter = Splitter(token_spans=embedder.token_spans, max_tokens=embedder.max_tokens)
        self._loading = threading.Lock()
        self._loaded: tuple[tuple[int, int], Snapshot] | None = None

    @classmethod
    def open(
        cls, docs: str | Path, embedder: Embedder, *, home: Path | None = None
    ) -> KnowledgeBase:
        """Return the knowledge base of a folder; nothing of its index is read yet.

        `home` is where state is kept, instead of `BOTTEGA_HOME` or `.bottega` beside the folder.
        Raises InputError when the folder is not there.
        """
        folder = require_folder(docs)
        return cls(Store(docs=folder, folder=index_folder(folder, home)), embedder)

    @property
    def docs(self) -> Path:
        """The folder of documents."""
        return self._store.docs

    @property
    def index(self) -> Path:
        """The folder of the index."""
        return self._store.folder

    def exists(self) -> bool:
        """Say whether the index has been made."""
        return self._store.exists()

    def require_index(self) -> None:
        """Raise InputError when there is no index."""
        if not self.exists():
            raise InputError(f"{self.docs} has not been indexed", hint=self._store.hint)

    async def update(self, progress: Report | None = None) -> UpdateReport:
        """Bring the index up to date with the folder; the old one stays in use until that is done.

        An index that is damaged, or was made with another embedder, is made anew. Raises
        StorageError when it cannot be written or another process is writing it.
        """
        started = time.perf_counter()
        report = progress or _silent
        with self._store.writing():
            old, rebuilt = await asyncio.to_thread(self._old)
            entries = old.entries if old and not rebuilt else ()
            known: dict[str, Entry] = {entry.source: entry for entry in entries}
            found = await survey(
                self.docs, known, self._splitter, leave_out=self.index.parent, report=report
            )
            embedded = 0
            differs = found.added or found.changed or found.unchanged < len(known)
            if old is None or rebuilt or differs:
                embedded = await self._write(found, old, report)
        return UpdateReport(
            added=found.added,
            changed=found.changed,
            deleted=len(known) - found.changed - found.unchanged,
            unchanged=found.unchanged,
            skipped=tuple(found.skipped),
            chunks=sum(len(entry.chunks) for entry in found.entries),
            embedded=embedded,
            seconds=time.perf_counter() - started,
            rebuilt="" if rebuilt == _NOTHING else rebuilt,
        )

    async def search(self, query: str, k: int = 5) -> list[Citation]:
        """Return at most k passages, best first; fewer when there are no more.

        Raises InputError for an empty query, a k below 1 or a missing index, StorageError for an
        index that is damaged or was made with another embedder.
        """
        if k < 1:
            raise InputError(f"k is {k}: at least 1 passage must be asked for")
        query = query.strip()[:_LONGEST_QUERY]
        if not query:
            raise InputError("the query is empty", hint="say what to look for")
        self.require_index()
        snapshot = await asyncio.to_thread(self._current)
        if not snapshot.passages:
            return []
        vector = (await self._embedder.embed([query]))[0]
        return await asyncio.to_thread(_search, snapshot, query, vector, k)

    def _current(self) -> Snapshot:
        with self._loading:
            stamp = self._store.stamp()
            if self._loaded is None or self._loaded[0] != stamp:
                manifest, snapshot = self._store.load(self._embedder)
                if manifest.splitter != self._splitter.version:
                    raise StorageError(f"the index {self.index}: {_OTHER}", hint=self._store.hint)
                self._loaded = (stamp, snapshot)
            return self._loaded[1]

    def _old(self) -> tuple[Snapshot | None, str]:
        """Return the old index, if it can be read, and why it cannot be built upon.

        One that was cut otherwise still has vectors of texts that have not changed.
        """
        if not self._store.exists():
            return None, _NOTHING
        try:
            manifest, snapshot = self._store.load(self._embedder)
        except StorageError as error:
            return None, error.message
        if manifest.splitter != self._splitter.version:
            return snapshot, _OTHER
        return snapshot, ""

    async def _write(self, found: Survey, old: Snapshot | None, report: Report) -> int:
        pending = Pending(self.index / "pending.sqlite", self._embedder.dimension)
        rows, embedded = await embed(found.entries, old, self._embedder, pending, report)
        report(Progress(stage="save", done=0, total=1))
        await _to_the_end(self._save, found.entries, rows)
        pending.clear()
        report(Progress(stage="save", done=1, total=1))
        return embedded

    def _save(self, entries: list[Entry], rows: NDArray[np.float32]) -> None:
        from bottega_plugins.knowledge.snapshot import Snapshot

        self._store.save(Snapshot.build(entries, rows), self._embedder, self._splitter.version)


def require_folder(docs: str | Path) -> Path:
    """Return the folder's absolute path. Raises InputError when there is no such folder."""
    folder = Path(docs).expanduser()
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(f"the folder of documents {folder} {what}", hint="name a folder of files")
    return folder.resolve()


async def _to_the_end(function: Callable[..., None], *args: object) -> None:
    """Run a function in a thread; cancelled, wait for it all the same: the lock must outlast it."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await work
        raise


def _silent(progress: Progress) -> None:
    """Tell nobody."""


def _search(snapshot: Snapshot, query: str, vector: NDArray[np.float32], k: int) -> list[Citation]:
    found = rank(snapshot, query, vector, k)
    return [_citation(*snapshot.passages[number], score) for number, score in found]


def _citation(entry: Entry, chunk: Chunk, score: float) -> Citation:
    return Citation(
        key=chunk.key,
        source=entry.source,
        start=chunk.start,
        end=chunk.end,
        line=chunk.line,
        end_line=chunk.end_line,
        heading=" > ".join(part for part in (entry.title, chunk.heading) if part),
        quote=chunk.text,
        score=score,
    )
