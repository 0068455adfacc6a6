"""The journal's own tables in a SQLite store: one short row an entry, written where it is awaited.

    bottega_logs      one row a visit of a node: the thread, and LangGraph's id of the task
    bottega_journal   the entries of a log, by number

LangGraph's table of pending writes repeats thread, namespace, checkpoint, task and channel with
every row, twice over with its index: several hundred bytes an entry. Here an entry costs its text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bottega.messages import Json

Statement = Callable[..., list[Any]]
"""Carries out one SQL statement in a transaction of its own and returns its rows."""

TABLES = """
CREATE TABLE IF NOT EXISTS bottega_logs (
    log INTEGER PRIMARY KEY, thread TEXT NOT NULL, task TEXT NOT NULL, UNIQUE (thread, task));
CREATE TABLE IF NOT EXISTS bottega_journal (
    log INTEGER NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (log, number)) WITHOUT ROWID;
"""
_plain = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def encode(value: Json) -> str:
    """Return the value as JSON that any database takes, half surrogate pairs included."""
    text = _plain(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return _ascii(value)
    return text


class SqliteLog:
    """One log, open for reading and writing. Every method raises StorageError."""

    def __init__(self, do: Statement, thread: str, task: str) -> None:
        self._do = do
        self._thread = thread
        self._task = task
        self._log: int | None = None
        self._number = 0

    def read(self) -> dict[str, Json]:
        """Return the entries by key, in the order in which they were written."""
        found = self._do(
            "SELECT log FROM bottega_logs WHERE thread = ? AND task = ?", self._thread, self._task
        )
        if not found:
            return {}
        self._log = int(found[0][0])
        entries = "SELECT number, key, value FROM bottega_journal WHERE log = ? ORDER BY number"
        rows = self._do(entries, self._log)
        self._number = rows[-1][0] if rows else 0
        return {key: json.loads(value) for _, key, value in rows}

    def write(self, key: str, value: Json) -> None:
        """Add an entry; it is safe from kill -9 when this returns.

        Raises StorageError when somebody else has written to the log in the meantime: the run was
        taken over, and this process must not go on with it.
        """
        if self._log is None:
            new = "INSERT INTO bottega_logs (thread, task) VALUES (?, ?) RETURNING log"
            self._log = int(self._do(new, self._thread, self._task)[0][0])
        self._number += 1
        row = "INSERT INTO bottega_journal VALUES (?, ?, ?, ?)"
        self._do(row, self._log, self._number, key, encode(value))
