"""Taking in SQLite stores of older versions, once, when they are opened.

    1   the journal lay among LangGraph's pending writes, conversations lay in the state
    2   the journal has tables of its own, and tells the conversations

The store is changed in one transaction: one that is killed meanwhile is as it was.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, cast

from langgraph.checkpoint.serde.base import SerializerProtocol

from bottega.database import SCHEMA_VERSION
from bottega_agents.storage.log import encode

OLD_CHANNEL = "__bottega_journal__"
_OLD = "SELECT rowid, thread_id, task_id, type, value FROM writes WHERE channel = ? ORDER BY rowid"
_TRANSCRIPTS = "transcripts"
_ADDED = (
    ("bottega_logs", "run", "TEXT NOT NULL DEFAULT ''"),
    ("bottega_logs", "visit", "TEXT NOT NULL DEFAULT ''"),
    ("bottega_journal", "at", "BIGINT NOT NULL DEFAULT 0"),
)


def migrate(connection: sqlite3.Connection, serde: SerializerProtocol) -> None:
    """Bring the store up to date, within the caller's transaction."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version >= SCHEMA_VERSION:
        return
    _add_columns(connection)
    _take_in_journals(connection, serde)
    _mark_waiting(connection, serde)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _add_columns(connection: sqlite3.Connection) -> None:
    """Take in a journal from before its rows said what they tell of, and when."""
    for table, column, kind in _ADDED:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        if column not in names:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _take_in_journals(connection: sqlite3.Connection, serde: SerializerProtocol) -> None:
    """Move the journal's entries into its own tables, in the order in which they were written."""
    for row, thread, name, kind, value in connection.execute(_OLD, (OLD_CHANNEL,)).fetchall():
        key, entry = json.loads(serde.loads_typed((kind, value)))
        log = _log(connection, thread, name.removesuffix(f":{key}"))
        connection.execute(
            "INSERT INTO bottega_journal (log, number, key, value) "
            "SELECT ?, coalesce(max(number), 0) + 1, ?, ? FROM bottega_journal WHERE log = ?",
            (log, key, encode(entry), log),
        )
        connection.execute("DELETE FROM writes WHERE rowid = ?", (row,))


def _log(connection: sqlite3.Connection, thread: str, task: str) -> int:
    found = connection.execute(
        "INSERT INTO bottega_logs (thread, task) VALUES (?, ?) "
        "ON CONFLICT (thread, task) DO UPDATE SET task = excluded.task RETURNING log",
        (thread, task),
    )
    return int(found.fetchone()[0])


def _mark_waiting(connection: sqlite3.Connection, serde: SerializerProtocol) -> None:
    """Say in each conversation whether its node waits for work that it handed on."""
    found = connection.execute("SELECT rowid, type, checkpoint FROM checkpoints").fetchall()
    for row, kind, blob in found:
        checkpoint = serde.loads_typed((kind, blob))
        if _marked(checkpoint["channel_values"].get(_TRANSCRIPTS)):
            values = (*serde.dumps_typed(checkpoint), row)
            connection.execute(
                "UPDATE checkpoints SET type = ?, checkpoint = ? WHERE rowid = ?", values
            )
    pending = "SELECT rowid, type, value FROM writes WHERE channel = ?"
    for row, kind, blob in connection.execute(pending, (_TRANSCRIPTS,)).fetchall():
        update = serde.loads_typed((kind, blob))
        if _marked(update):
            values = (*serde.dumps_typed(update), row)
            connection.execute("UPDATE writes SET type = ?, value = ? WHERE rowid = ?", values)


def _marked(transcripts: Any) -> bool:
    """Mark what is not marked yet, in place; return whether there was anything."""
    unmarked = list(_unmarked(transcripts))
    for transcript in unmarked:
        transcript["waits"] = bool(transcript.get("handed_on"))
    return bool(unmarked)


def _unmarked(transcripts: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(transcripts, dict):
        return
    for transcript in cast("dict[str, Any]", transcripts).values():
        if isinstance(transcript, dict) and "waits" not in transcript:
            yield cast("dict[str, Any]", transcript)
