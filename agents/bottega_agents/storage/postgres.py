"""Checkpoints, journal, runs and questions in a PostgreSQL database.

LangGraph's saver writes the checkpoints, in one transaction with a look at the run's epoch: a
worker that lost its run writes nothing. Who carries out a run holds an advisory lock (`advisory`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncCursor
from psycopg.rows import DictRow, dict_row

from bottega.errors import InputError
from bottega.register import Lease, Register
from bottega.retention import Pruned, Retention
from bottega_agents.storage.advisory import AdvisoryLocks
from bottega_agents.storage.postgres_database import PostgresDatabase
from bottega_agents.storage.postgres_schema import prepare
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

_NEWEST = newest(PostgresDatabase.number)
_CHECK = "SELECT 1 FROM bottega_runs WHERE run_id = %s AND epoch = %s FOR SHARE"
_REMOVAL = removal("checkpoint_writes", "checkpoint_blobs", "checkpoints")
_HIDDEN = "bottega:text"
"""Key of a text that PostgreSQL's JSON cannot hold, because of a NUL or half a surrogate pair."""

_lease: ContextVar[Lease | None] = ContextVar("lease", default=None)


class PostgresSaver(LeasedThreads, AsyncPostgresSaver):
    """A store in a PostgreSQL database, open between `async with` and its end."""

    written = superseded("checkpoint_writes", PostgresDatabase.number)
    leftovers = (
        "DELETE FROM checkpoint_writes AS w WHERE thread_id = ? AND NOT EXISTS (SELECT 1 "
        "FROM checkpoints AS c WHERE c.thread_id = w.thread_id "
        "AND c.checkpoint_ns = w.checkpoint_ns AND c.checkpoint_id = w.checkpoint_id)",
        "DELETE FROM checkpoint_blobs AS b WHERE thread_id = ? AND NOT EXISTS (SELECT 1 "
        "FROM checkpoints AS c, jsonb_each_text(c.checkpoint -> 'channel_versions') AS v "
        "WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns "
        "AND v.key = b.channel AND v.value = b.version)",
    )

    def __init__(self, url: str) -> None:
        """Take the address. Raises InputError when it is none."""
        self.database = PostgresDatabase(url)
        serializer = StrictSerializer(self.database.name)
        AsyncPostgresSaver.__init__(self, cast("Any", None), serde=serializer)  # see `_cursor`
        LeasedThreads.__init__(self, self.database)
        self.register = Register(self.database)
        self._locks = AdvisoryLocks(self.database.connect)

    async def __aenter__(self) -> Self:
        """Connect, and make the tables where they are missing. Raises StorageError."""
        try:
            await self.database.open()
            await prepare(self, self.database)
        except BaseException:
            await self.database.close()
            raise
        return self

    async def __aexit__(self, *raised: object) -> None:
        await asyncio.shield(self._close())

    async def _close(self) -> None:
        await self._locks.close()
        await self.database.close()

    async def let_go(self, retention: Retention) -> Pruned:
        """Remove ended runs; the server's autovacuum makes use of their room."""
        return await prune(self, retention)

    @asynccontextmanager
    async def hold(self, name: str, busy: InputError) -> AsyncGenerator[None, None]:
        """Hold a name while the block lasts; see `bottega.store.Store`."""
        if not await self.database.patiently(lambda: self._locks.take(name)):
            raise busy
        try:
            yield
        finally:
            await self._locks.free(name)

    async def held(self, names: Iterable[str]) -> set[str]:
        """Return those of the names that somebody holds."""
        wanted = list(names)
        return await self.database.patiently(lambda: self._locks.held(wanted))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; the newest is the one that was written last, whatever the time."""
        named = await self._named(config)
        return await self.database.patiently(lambda: super(PostgresSaver, self).aget_tuple(named))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        listed = super().alist

        async def whole() -> list[CheckpointTuple]:
            found = listed(config, filter=filter, before=before, limit=limit)
            return [item async for item in found]

        for item in await self.database.patiently(whole):
            yield item

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        values = {k: _hidden(v) for k, v in checkpoint["channel_values"].items()}
        holdable = cast("Checkpoint", {**checkpoint, "channel_values": values})
        put = super().aput
        return await self._leased(config, lambda: put(config, holdable, metadata, new_versions))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        if is_input(writes, task_path):
            return
        put = super().aput_writes
        await self._leased(config, lambda: put(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete the thread's checkpoints and journals."""

        async def delete() -> None:
            async with self.database.connection() as connection, connection.transaction():
                for statement in _REMOVAL:
                    text: Any = statement.replace("?", "%s")
                    await connection.execute(text, (thread_id,))

        await self.database.patiently(delete)

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncGenerator[AsyncCursor[DictRow]]:
        """Open a cursor; LangGraph asks for a pipeline where it writes."""
        async with self.database.connection() as connection:
            if not pipeline:
                async with connection.cursor(binary=True, row_factory=dict_row) as cursor:
                    yield cursor
                return
            async with (
                connection.transaction(),
                connection.cursor(binary=True, row_factory=dict_row) as cursor,
            ):
                lease = _lease.get()
                if lease is not None:
                    await cursor.execute(_CHECK, (lease.run_id, lease.epoch))
                    if await cursor.fetchone() is None:
                        raise lease.lost()
                yield cursor

    async def _load_checkpoint_tuple(self, value: DictRow) -> CheckpointTuple:
        loaded = await super()._load_checkpoint_tuple(value)
        values = loaded.checkpoint["channel_values"]
        for name, found in values.items():
            values[name] = _shown(found)
        return loaded

    async def _leased(self, config: RunnableConfig, write: Callable[[], Awaitable[T]]) -> T:
        """Write if the run is still this process's own. Raises StorageError."""
        token = _lease.set(self.lease_of(config))
        try:
            return await self.database.patiently(write)
        finally:
            _lease.reset(token)

    async def _named(self, config: RunnableConfig) -> RunnableConfig:
        """Return the configuration with the id of the newest checkpoint, where it names none."""
        place = unnamed(config)
        return named(config, await self.database.do(_NEWEST, *place)) if place else config


def _hidden(value: Any) -> Any:
    """Wrap a text that PostgreSQL's JSON cannot hold: LangGraph stores what is no text as bytes."""
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= c <= "\udfff" for c in value)):
        return {_HIDDEN: json.dumps(value)}
    return value


def _shown(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    wrapped = cast("dict[str, Any]", value)
    return json.loads(wrapped[_HIDDEN]) if list(wrapped) == [_HIDDEN] else wrapped
