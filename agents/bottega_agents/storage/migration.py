"""Taking in SQLite stores of older versions, once, when they are opened.

    1   the journal lay among LangGraph's pending writes, conversations lay in the state
    2   the journal has tables of its own, and tells the conversations
    3   entries of the journal and checkpoints have checksums; those from before have none

The store is changed in one transaction: one that is killed meanwhile is as it was.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any, cast

from langgraph.checkpoint.serde.base import SerializerProtocol

from bottega.database import SCHEMA_VERSION
from bottega.history import OPENING
from bottega.messages import Json
from bottega_agents.storage.log import encode

OLD_CHANNEL = "__bottega_journal__"
_OLD = "SELECT rowid, thread_id, task_id, type, value FROM writes WHERE channel = ? ORDER BY rowid"
_TRANSCRIPTS = "transcripts"
_IN_TABLES = 2
_ADDED = (
    ("bottega_logs", "run", "TEXT NOT NULL DEFAULT ''"),
    ("bottega_logs", "visit", "TEXT NOT NULL DEFAULT ''"),
    ("bottega_journal", "at", "BIGINT NOT NULL DEFAULT 0"),
    ("bottega_journal", "crc", "INTEGER"),
)


def migrate(connection: sqlite3.Connection, serde: SerializerProtocol) -> None:
    """Bring the store up to date, within the caller's transaction."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version >= SCHEMA_VERSION:
        return
    _add_columns(connection)
    if version < _IN_TABLES:
        _take_in_journals(connection, serde)
        _take_in_conversations(connection, serde)
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


def _take_in_conversations(connection: sqlite3.Connection, serde: SerializerProtocol) -> None:
    """Put the conversations that lie in states into journals, and leave where each one is."""
    found = connection.execute("SELECT rowid, thread_id, type, checkpoint FROM checkpoints")
    for row, thread, kind, blob in found.fetchall():
        checkpoint = serde.loads_typed((kind, blob))
        values = checkpoint["channel_values"]
        if _moved(connection, thread, values.get(_TRANSCRIPTS)):
            connection.execute(
                "UPDATE checkpoints SET type = ?, checkpoint = ? WHERE rowid = ?",
                (*serde.dumps_typed(checkpoint), row),
            )
    pending = "SELECT rowid, thread_id, type, value FROM writes WHERE channel = ?"
    for row, thread, kind, blob in connection.execute(pending, (_TRANSCRIPTS,)).fetchall():
        update = serde.loads_typed((kind, blob))
        if _moved(connection, thread, update):
            connection.execute(
                "UPDATE writes SET type = ?, value = ? WHERE rowid = ?",
                (*serde.dumps_typed(update), row),
            )


def _moved(connection: sqlite3.Connection, thread: str, transcripts: Any) -> bool:
    """Move a state's conversations, in place; return whether there were any."""
    if not isinstance(transcripts, dict):
        return False
    old = [t for t in cast("dict[str, Any]", transcripts).values() if t and "waits" not in t]
    for transcript in old:
        opening = encode(opening_of(transcript))
        task = f"version-1:{hashlib.sha256(opening.encode()).hexdigest()[:32]}"
        connection.execute(
            "INSERT INTO bottega_journal (log, number, key, value) VALUES (?, 1, ?, ?) "
            "ON CONFLICT (log, number) DO NOTHING",
            (_log(connection, thread, task), OPENING, opening),
        )
        transcript["waits"] = bool(transcript["handed_on"])
        transcript["ref"] = {"checkpoint": "", "task": task}
        del transcript["messages"]
    return bool(old)


def opening_of(transcript: dict[str, Any]) -> dict[str, Json]:
    """Return the entry that tells the whole conversation at once."""
    told = {"messages": transcript["messages"], "step": transcript["step"], "before": None}
    return {**told, "path": "", "dialect": ""}
