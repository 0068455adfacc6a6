"""The catalogue of a segment: its documents, their names and fields, and its words; in SQLite.

A document is known by the number of its first passage. The file is written once and then opened as
immutable; it is compared with its digests as a whole before SQLite reads it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.errors import StorageError
from bottega_plugins.knowledge.index import fields
from bottega_plugins.knowledge.index.checksums import damaged
from bottega_plugins.knowledge.index.fields import storable
from bottega_plugins.knowledge.index.names import names_of
from bottega_plugins.knowledge.index.record import DocumentInfo, NewDocument, Origin

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.checked_file import CheckedFile

NAME = "catalogue.sqlite"

_SCHEMA = """
CREATE TABLE documents (
    first INTEGER PRIMARY KEY, stop INTEGER NOT NULL, source TEXT NOT NULL, sha256 BLOB NOT NULL,
    origin TEXT NOT NULL, title TEXT NOT NULL, format TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE names (
    name TEXT, first INTEGER, stop INTEGER NOT NULL, PRIMARY KEY (name, first)
) WITHOUT ROWID;
CREATE TABLE fields (
    key TEXT, value, first INTEGER, stop INTEGER NOT NULL, PRIMARY KEY (key, value, first)
) WITHOUT ROWID;
CREATE TABLE words (word TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX by_source ON documents (source);
CREATE INDEX by_sha256 ON documents (sha256);
"""
_REPLACED = """
SELECT first, stop FROM (
    SELECT first, stop, lead(first) OVER (PARTITION BY source ORDER BY first) AS later
    FROM documents
) WHERE later IS NOT NULL
"""
_COLUMNS = "first, stop, source, sha256, origin, title, format, metadata"
_DOCUMENTS = f"SELECT {_COLUMNS} FROM documents"  # noqa: S608  # nothing of a caller's
_AT = """
FROM json_each(?) AS asked JOIN documents
ON first = (SELECT max(first) FROM documents WHERE first <= asked.value)
"""
_SOURCES_AT = f"SELECT asked.value, source, first {_AT}"
_DOCUMENTS_AT = f"SELECT asked.value, {_COLUMNS} {_AT}"
_INSERT = {
    "names": "INSERT OR IGNORE INTO names VALUES (?, ?, ?)",
    "fields": "INSERT OR IGNORE INTO fields VALUES (?, ?, ?, ?)",
    "words": "INSERT INTO words VALUES (?, ?)",
}

Span = tuple[int, int]
"""The number of a document's first passage, and one past its last."""


class CatalogueWriter:
    """Writes the catalogue of a new segment."""

    def __init__(self, folder: Path) -> None:
        self._base = sqlite3.connect(folder / NAME, check_same_thread=False, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=OFF")
        self._base.execute("PRAGMA synchronous=OFF")  # the segment is synced before it is used
        self._base.executescript(_SCHEMA)
        self._base.execute("BEGIN")

    def add(self, document: NewDocument, first: int) -> None:
        """Add a document whose passages are numbered from `first`."""
        info, stop = document.info, first + len(document.chunks)
        row = (
            *(first, stop, info.source, bytes.fromhex(info.sha256), info.origin),
            *(storable(info.title), info.format, json.dumps(dict(info.metadata))),
        )
        self._base.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._many("names", [(name, first, stop) for name in names_of(info)])
        self._many("fields", list(fields.rows(document, first)))

    def add_words(self, words: Iterable[str]) -> None:
        """Number the words from 0 in this order."""
        self._many("words", ((word, number) for number, word in enumerate(words)))

    def close(self) -> list[Span]:
        """End the file; return the documents that a later one of the same source replaces."""
        self._base.execute("COMMIT")
        self._base.executescript(_INDEXES)
        replaced = self._base.execute(_REPLACED).fetchall()
        self._base.close()
        return [(first, stop) for first, stop in replaced]

    def abandon(self) -> None:
        """Let go of the file as it is."""
        self._base.close()

    def _many(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        self._base.executemany(_INSERT[table], rows)


class Catalogue:
    """Answers questions about the documents of a segment. Threads may share it."""

    def __init__(self, file: CheckedFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        file.require_size()
        # SQLite opens the file at once, so a writer may remove it; it reads nothing before a query
        address = f"{file.path.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            self._base = sqlite3.connect(address, uri=True, check_same_thread=False)
        except sqlite3.Error as error:  # it was opened just now, so there are too many open files
            raise StorageError(f"{file.path} cannot be read: {error}", retryable=True) from None

    def __del__(self) -> None:
        if hasattr(self, "_base"):
            self._base.close()

    def query(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query. Raises StorageError for a damaged file."""
        self._file.verify()
        with self._lock:
            try:
                with closing(self._base.execute(text, values)) as rows:
                    return rows.fetchall()
            except sqlite3.DatabaseError as error:
                raise damaged(self._file.path, str(error)) from None

    def documents_at(self, numbers: Iterable[int]) -> dict[int, tuple[DocumentInfo, Span]]:
        """Return, by passage, the document that has it."""
        rows = self.query(_DOCUMENTS_AT, (json.dumps([*numbers]),))
        return {number: _document(row) for number, *row in rows}

    def sources_at(self, numbers: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Return, by passage, the name and the first passage of the document that has it."""
        rows = self.query(_SOURCES_AT, (json.dumps([*numbers]),))
        return {number: (source, first) for number, source, first in rows}

    def documents(self, start: int = 0, many: int = 500) -> Iterator[tuple[DocumentInfo, Span]]:
        """Yield all documents in order, from the one that has the passage `start` or the next."""
        text = f"{_DOCUMENTS} WHERE first >= ? ORDER BY first LIMIT ?"
        while rows := self.query(text, (start, many)):
            yield from map(_document, rows)
            start = rows[-1][0] + 1

    def sources(self, origin: Origin) -> list[tuple[str, Span]]:
        """Return what the documents of one origin are called."""
        text = "SELECT source, first, stop FROM documents WHERE origin = ?"
        return [(source, (first, stop)) for source, first, stop in self.query(text, (origin,))]

    def with_source(self, source: str) -> list[tuple[DocumentInfo, Span]]:
        """Return the documents of that name."""
        text = f"{_DOCUMENTS} WHERE source = ? ORDER BY first"
        return [_document(row) for row in self.query(text, (source,))]

    def with_sha256(self, digest: str, many: int) -> list[tuple[DocumentInfo, Span]]:
        """Return documents of those bytes."""
        text = f"{_DOCUMENTS} WHERE sha256 = ? ORDER BY first LIMIT ?"
        return [_document(row) for row in self.query(text, (bytes.fromhex(digest), many))]

    def named(self, names: Iterable[str]) -> list[Span]:
        """Return the documents that are called so."""
        text = "SELECT first, stop FROM names WHERE name IN (SELECT value FROM json_each(?))"
        return [(first, stop) for first, stop in self.query(text, (json.dumps([*names]),))]

    def word_numbers(self, words: Iterable[str]) -> dict[str, int]:
        """Return the numbers of those words that the segment has."""
        text = "SELECT word, number FROM words WHERE word IN (SELECT value FROM json_each(?))"
        return dict(self.query(text, (json.dumps([*words]),)))

    def words(self) -> list[str]:
        """Return all words in the order of their numbers."""
        return [word for (word,) in self.query("SELECT word FROM words ORDER BY number")]


def _document(row: Sequence[Any]) -> tuple[DocumentInfo, Span]:
    first, stop, source, digest, origin, title, format_name, metadata = row
    info = DocumentInfo(
        source=source,
        title=title,
        format=format_name,
        metadata=json.loads(metadata),
        passages=stop - first,
        sha256=digest.hex(),
        origin=origin,
    )
    return info, (first, stop)
