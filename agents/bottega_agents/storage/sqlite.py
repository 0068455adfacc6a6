"""The default checkpointer: one SQLite file, written where the caller waits for it.

LangGraph's own async saver hands every statement to a thread of its own. A commit to a write-ahead
log costs less than that hand-over, so this one writes inline, and what it has accepted is there
after kill -9. Values are strict msgpack: a tampered store makes no object of anybody's class.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from bottega.errors import StorageError
from bottega_agents.storage.sqlite_log import TABLES, SqliteLog

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
    )

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that is writing."""


def strict_serializer() -> JsonPlusSerializer:
    """Return a serializer that revives plain values only; no pickle, no class from the data."""
    return JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)


def connect(file: Path) -> sqlite3.Connection:
    """Open the store, making it where there is none. Raises StorageError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, check_same_thread=False, timeout=LOCK_TIMEOUT)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
    except (sqlite3.Error, OSError) as error:
        hint = "move the file away to begin anew, or set BOTTEGA_HOME to a folder you can write"
        raise StorageError(f"{file}: cannot be opened as a store: {error}", hint=hint) from error
    return connection


@contextmanager
def storage_errors(file: str) -> Generator[None, None, None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        retryable = isinstance(error, sqlite3.OperationalError)
        raise StorageError(f"{file}: {error}", retryable=retryable) from error


class InlineSqliteSaver(SqliteSaver):
    """A checkpointer over one SQLite file whose async methods write at once."""

    def __init__(self, file: Path) -> None:
        serializer = strict_serializer()
        super().__init__(connect(file), serde=serializer)
        self.jsonplus_serde = serializer
        self.file = str(file)
        with storage_errors(self.file):
            self.setup()
            self.conn.executescript(TABLES)

    def close(self) -> None:
        """Close the file."""
        self.conn.close()

    def open_log(self, thread: str, task: str) -> SqliteLog:
        """Return the journal of one visit of a node."""
        return SqliteLog(self.do, thread, task)

    def do(self, statement: str, *values: object) -> list[Any]:
        """Carry out one statement in a transaction of its own. Raises StorageError."""
        try:
            with self.lock, self.conn:
                return self.conn.execute(statement, values).fetchall()
        except sqlite3.IntegrityError as error:
            raise StorageError(
                f"{self.file}: the run was taken over by another process",
                hint="it goes on there; see: bottega runs",
            ) from error
        except sqlite3.Error as error:
            retryable = isinstance(error, sqlite3.OperationalError)
            raise StorageError(f"{self.file}: {error}", retryable=retryable) from error

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        with storage_errors(self.file):
            return self.get_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        with storage_errors(self.file):
            found = list(self.list(config, filter=filter, before=before, limit=limit))
        for item in found:
            yield item

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        with storage_errors(self.file):
            return self.put(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        with storage_errors(self.file):
            self.put_writes(config, writes, task_id, task_path)

    def delete_thread(self, thread_id: str) -> None:
        """Delete the thread's checkpoints and journals."""
        with storage_errors(self.file):
            super().delete_thread(thread_id)
        journals = "DELETE FROM bottega_journal WHERE log IN (SELECT log FROM bottega_logs "
        self.do(journals + "WHERE thread = ?)", str(thread_id))
        self.do("DELETE FROM bottega_logs WHERE thread = ?", str(thread_id))

    async def adelete_thread(self, thread_id: str) -> None:
        self.delete_thread(thread_id)
