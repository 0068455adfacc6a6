"""The default checkpointer: one SQLite file, written where the caller waits for it.

LangGraph's own async saver hands every statement to a thread of its own. A commit to a write-ahead
log costs less than that hand-over, so this one writes inline, and what it has accepted is there
after kill -9. Values are strict msgpack: a tampered store makes no object of anybody's class.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from langgraph.checkpoint.sqlite import SqliteSaver

from bottega.database import SqliteDatabase
from bottega.register import Lease
from bottega.retention import Pruned, Retention
from bottega.store import SqliteStore
from bottega_agents.storage.log import JOURNAL, statements
from bottega_agents.storage.migration import migrate
from bottega_agents.storage.pruning import prune
from bottega_agents.storage.serializer import StrictSerializer
from bottega_agents.storage.thread import (
    LeasedThreads,
    is_input,
    named,
    newest,
    removal,
    superseded,
    unnamed,
)

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
    )

T = TypeVar("T")

_NEWEST = newest(SqliteDatabase.number)
TABLES = JOURNAL.format(serial="INTEGER", clustered=" WITHOUT ROWID")
_REMOVAL = removal("writes", "checkpoints")
_INDEX = "CREATE INDEX IF NOT EXISTS bottega_newest ON checkpoints (thread_id, checkpoint_ns)"
_CHECK = "SELECT 1 FROM bottega_runs WHERE run_id = ? AND epoch = ?"


class InlineSqliteSaver(LeasedThreads, SqliteSaver, SqliteStore):
    """A store in one SQLite file whose async methods write at once."""

    written = superseded("writes", SqliteDatabase.number)
    leftovers = (
        "DELETE FROM writes WHERE thread_id = ? AND NOT EXISTS (SELECT 1 FROM checkpoints AS c "
        "WHERE c.thread_id = writes.thread_id AND c.checkpoint_ns = writes.checkpoint_ns "
        "AND c.checkpoint_id = writes.checkpoint_id)",
    )

    def __init__(self, file: Path) -> None:
        """Open the file, make it, or bring it up to date. Raises StorageError."""
        SqliteStore.__init__(self, file)
        LeasedThreads.__init__(self, self.database)
        serializer = StrictSerializer(str(file))
        SqliteSaver.__init__(self, self.database.connection, serde=serializer)
        self.jsonplus_serde = serializer
        self.lock = self.database.lock  # type: ignore[assignment]  # LangGraph's cannot be nested
        try:
            if not self.database.is_read_only:
                self.database.now(self._prepare)
            self.database.wait_in_loop()
        except BaseException:
            self.close()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        SqliteStore.close(self)

    async def let_go(self, retention: Retention) -> Pruned:
        """Remove ended runs, and give their room back. Raises StorageError."""
        before = self._size()
        pruned = await prune(self, retention)
        if retention.dry or not (pruned.runs or retention.user):
            return pruned
        await self.database.patiently(partial(self._shrink, anew=bool(retention.user)))
        return replace(pruned, freed=max(0, before - self._size()))

    def _shrink(self, *, anew: bool) -> None:
        """Give room back; `anew` writes the whole file again, so that nothing deleted is in it."""
        with self.lock:
            incremental = self.conn.execute("PRAGMA auto_vacuum").fetchone()[0]
            if incremental and not anew:
                # a page a step: `execute` would take one step, for there is no column to fetch
                self.conn.executescript("PRAGMA incremental_vacuum")
            else:  # a file of an older version
                self.conn.execute("PRAGMA auto_vacuum=INCREMENTAL")
                self.conn.execute("VACUUM")
            self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _size(self) -> int:
        files = (Path(f"{self.file}{end}") for end in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    @contextmanager
    def cursor(self, transaction: bool = True) -> Generator[sqlite3.Cursor, None, None]:
        """Open a cursor; unlike LangGraph's, leave nothing half-written where something fails."""
        with self.lock, ExitStack() as stack:
            if transaction and not self.conn.in_transaction:
                stack.enter_context(self.database.transaction())
            yield stack.enter_context(closing(self.conn.cursor()))

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; the newest is the one that was written last, whatever the time."""
        return super().get_tuple(self._named(config))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await self.database.patiently(lambda: self.get_tuple(config))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        found = await self.database.patiently(
            lambda: list(self.list(config, filter=filter, before=before, limit=limit))
        )
        for item in found:
            yield item

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await self._leased(
            config, lambda: self.put(config, checkpoint, metadata, new_versions)
        )

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        if not is_input(writes, task_path):
            await self._leased(config, lambda: self.put_writes(config, writes, task_id, task_path))

    def delete_thread(self, thread_id: str) -> None:
        """Delete the thread's checkpoints and journals."""
        self.database.now(lambda: self._delete(str(thread_id)))

    async def adelete_thread(self, thread_id: str) -> None:
        await self.database.patiently(lambda: self._delete(str(thread_id)))

    def _delete(self, thread: str) -> None:
        with self.database.transaction() as connection:
            for statement in _REMOVAL:
                connection.execute(statement, (thread,))

    def _prepare(self) -> None:
        """Make what is missing; take in a store of an older version."""
        self.setup()
        with self.database.transaction() as connection:
            for statement in (*statements(TABLES), _INDEX):
                connection.execute(statement)
            migrate(connection, self.serde)

    def _named(self, config: RunnableConfig) -> RunnableConfig:
        """Return the configuration with the id of the newest checkpoint, where it names none."""
        place = unnamed(config)
        return named(config, self.database.do_now(_NEWEST, *place)) if place else config

    async def _leased(self, config: RunnableConfig, write: Callable[[], T]) -> T:
        """Write if the run is still this process's own. Raises StorageError."""
        lease = self.lease_of(config)
        if lease is None:
            return await self.database.patiently(write)
        return await self.database.patiently(lambda: self._checked(lease, write))

    def _checked(self, lease: Lease, write: Callable[[], T]) -> T:
        with self.database.transaction() as connection:
            if not connection.execute(_CHECK, (lease.run_id, lease.epoch)).fetchall():
                raise lease.lost()
            return write()
