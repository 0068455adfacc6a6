"""Documents that can be searched: a folder of them, or those that a program adds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from bottega.errors import InputError, StorageError
from bottega.messages import Citation
from bottega.runnable import outside_loop
from bottega_plugins.knowledge import EMBEDDER
from bottega_plugins.knowledge.documents.reader import DocumentReader
from bottega_plugins.knowledge.documents.splitter import Splitter
from bottega_plugins.knowledge.given import GivenDocuments, documents_of, sources_of
from bottega_plugins.knowledge.index.filters import Filters
from bottega_plugins.knowledge.index.progress import Report, UpdateReport, silent
from bottega_plugins.knowledge.index.record import DocumentInfo
from bottega_plugins.knowledge.index.session import OTHER_CUT
from bottega_plugins.knowledge.index.store import Store, index_folder, require_embedder
from bottega_plugins.knowledge.index.writer import IndexWriter
from bottega_plugins.knowledge.search.search import Search
from bottega_plugins.knowledge.search.searcher import Question, answer, checked
from bottega_plugins.knowledge.search.threads import alone

if TYPE_CHECKING:
    from bottega.embedder import Embedder
    from bottega.plugin.manager import PluginManager
    from bottega.retriever import Retriever
    from bottega_plugins.knowledge.index.snapshot import Snapshot

T = TypeVar("T")
_DEFAULT = Search()


class KnowledgeBase:
    """Documents and their index.

    Each method has a twin whose name begins with `a`, to be awaited; the plain ones also work
    inside a running event loop, which they hold up. Searches read a snapshot, which is replaced
    when the index on disk changes; any number may run at once, also while an update does. Of
    methods that write, those of one process wait for each other; while another process writes they
    raise StorageError, as they do inside of each other and when the one before gets no further.
    """

    def __init__(self, store: Store, embedder: Embedder) -> None:
        splitter = Splitter(token_spans=embedder.token_spans, max_tokens=embedder.max_tokens)
        self._store = store
        self._embedder = embedder
        reader = DocumentReader(splitter)
        self._writer = IndexWriter(store=store, embedder=embedder, reader=reader)
        self._loading = threading.Lock()
        self._loaded: tuple[tuple[int, int], Snapshot] | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        embedder: Embedder | str = EMBEDDER,
        *,
        home: Path | None = None,
        plugins: PluginManager | None = None,
    ) -> KnowledgeBase:
        """Return the knowledge base at a path; nothing of its index is read yet.

        A folder is one of documents, its index being kept in `home`, `BOTTEGA_HOME` or `.bottega`
        beside it. A path where nothing is becomes an index by itself with the first `add`, and is
        opened as such from then on. `embedder` may be the name of a registered one, looked up in
        `plugins` or else in those installed. Raises InputError when the path is a file.
        """
        place = Path(path).expanduser()
        if place.exists() and not place.is_dir():
            raise InputError(
                f"the folder of documents {place} is not a folder", hint="name a folder of files"
            )
        place = place.resolve()
        if isinstance(embedder, str):
            embedder = _make_embedder(embedder, plugins, home)
        alone = Store(docs=None, folder=place)
        if not place.exists() or alone.holds_any():
            return cls(alone, embedder)
        return cls(Store(docs=place, folder=index_folder(place, home)), embedder)

    @property
    def path(self) -> Path:
        """What was opened."""
        return self._store.docs or self._store.folder

    @property
    def docs(self) -> Path | None:
        """The folder of documents; None for an index by itself."""
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
        if self.exists():
            return
        if not self.path.exists():
            raise InputError(
                f"{self.path} does not exist", hint="name a folder of documents, or add() some"
            )
        raise InputError(f"{self.path} has not been indexed", hint=self._store.hint)

    def update(self, progress: Report | None = None) -> UpdateReport:
        """Bring the index in line with the folder; the old one stays in use until that is done.

        Only new and changed files cost work. Documents that were added by `add` are left alone. An
        index that was made with another embedder is made anew, and so is a damaged one: damage that
        a search, `verify` or this method has come upon. Raises StorageError when the index cannot
        be written or another process is writing it.
        """
        return outside_loop(lambda: self.aupdate(progress))

    async def aupdate(self, progress: Report | None = None) -> UpdateReport:
        """Bring the index in line with the folder, as `update` does."""
        if self.docs is None:
            raise InputError(
                f"{self.path} is no folder of documents", hint="add() puts documents into an index"
            )
        return await self._writer.update(require_folder(self.docs), progress or silent)

    def add(self, documents: GivenDocuments, progress: Report | None = None) -> UpdateReport:
        """Add documents, given as `Document`, as (source, text) or as mappings of its fields.

        They are taken one by one and never held all at once. One of a known source replaces that;
        one that cannot be read is skipped and named in the report. Nothing is visible before all
        are there. Raises InputError for what is no document, StorageError as `update` does.
        """
        return outside_loop(lambda: self.aadd(documents, progress))

    async def aadd(self, documents: GivenDocuments, progress: Report | None = None) -> UpdateReport:
        """Add documents, as `add` does; also from an async iterable."""
        return await self._writer.add(documents_of(documents), progress or silent)

    def delete(self, sources: str | Iterable[str]) -> int:
        """Delete documents by source; return how many there were.

        A file of the folder comes back with the next `update` as long as it is there.
        """
        return outside_loop(lambda: self.adelete(sources))

    async def adelete(self, sources: str | Iterable[str]) -> int:
        """Delete documents, as `delete` does."""
        self.require_index()
        return await self._writer.delete(sources_of(sources))

    def repair(self, progress: Report | None = None) -> UpdateReport:
        """Compare every byte of the index; make one that is damaged anew from what is whole.

        The report names in `skipped` the documents that are lost. A folder is read again, so that
        only documents of `add` can be. An index by itself that was made with another embedder gets
        the vectors of this one. Raises StorageError, the index being as it was, when nothing of an
        index by itself is left.
        """
        return outside_loop(lambda: self.arepair(progress))

    async def arepair(self, progress: Report | None = None) -> UpdateReport:
        """Make a damaged index anew, as `repair` does."""
        if self.docs is not None:
            docs = require_folder(self.docs)
            return await self._writer.update(docs, progress or silent, thorough=True)
        if not self._store.holds_any():
            self.require_index()
        return await self._writer.repair(progress or silent)

    def search(
        self, query: str, k: int = 5, filters: Filters | None = None, search: Search = _DEFAULT
    ) -> list[Citation]:
        """Return at most k passages, best first; fewer when there are no more.

        `filters` say what must hold for a passage or its document, as in `index.filters`. Raises
        InputError for an empty query, a k below 1, an unknown operator or a missing index, and
        StorageError for an index that is damaged or was made with another embedder.
        """
        return outside_loop(lambda: alone(self.asearch(query, k, filters, search)))

    async def asearch(
        self, query: str, k: int = 5, filters: Filters | None = None, search: Search = _DEFAULT
    ) -> list[Citation]:
        """Return at most k passages, as `search` does."""
        question = checked(Question(query=query, k=k, filters=filters, how=search))
        self.require_index()
        with self._store.hinted():
            snapshot = self._unchanged()
            if snapshot is None:
                snapshot = await asyncio.to_thread(self._current)
            return await answer(snapshot, self._embedder, question)

    def documents(self) -> Iterator[DocumentInfo]:
        """Yield what is known of each document. Raises as `search` does."""
        self.require_index()
        with self._store.hinted():
            yield from self._current().documents()

    def retriever(self, filters: Filters | None = None, search: Search = _DEFAULT) -> Retriever:
        """Return this as tools and agents take it."""
        return _Retriever(base=self, filters=filters, how=search)

    def verify(self) -> None:
        """Compare every byte of the index with its digest. Raises StorageError for damage."""
        self.require_index()
        with self._store.hinted():
            self._current().verify()

    def close(self) -> None:
        """Let go of the index; the next search opens it again."""
        with self._loading:
            self._loaded = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _unchanged(self) -> Snapshot | None:
        """Return the snapshot that is open if it is the present state; this takes no time."""
        loaded = self._loaded
        return loaded[1] if loaded and loaded[0] == self._store.stamp() else None

    def _current(self) -> Snapshot:
        with self._loading:
            stamp = self._store.stamp()
            if self._loaded is None or self._loaded[0] != stamp:
                before = self._loaded[1] if self._loaded else None
                self._loaded = (stamp, self._load(before))
            return self._loaded[1]

    def _load(self, before: Snapshot | None) -> Snapshot:
        snapshot = self._store.load(before)
        require_embedder(self._store, snapshot.manifest, self._embedder)
        if snapshot.manifest.splitter != self._writer.version:
            raise StorageError(f"the index {self.index}: {OTHER_CUT}", hint=self._store.hint)
        return snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class _Retriever:
    """A knowledge base as a `bottega.retriever.Retriever`."""

    base: KnowledgeBase
    filters: Filters | None
    how: Search

    async def search(self, query: str, k: int = 5) -> list[Citation]:
        """Return at most k passages, best first."""
        return await self.base.asearch(query, k, self.filters, self.how)


def require_folder(docs: str | Path) -> Path:
    """Return the folder's absolute path. Raises InputError when there is no such folder."""
    folder = Path(docs).expanduser()
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(f"the folder of documents {folder} {what}", hint="name a folder of files")
    return folder.resolve()


def _make_embedder(name: str, plugins: PluginManager | None, home: Path | None) -> Embedder:
    from bottega.plugin.context import FactoryContext
    from bottega.plugin.manager import default_plugins

    made: Embedder = FactoryContext(plugins=plugins or default_plugins(), home=home).make(
        "embedder", name
    )
    return made
