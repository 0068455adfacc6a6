"""A few connections to a PostgreSQL server, shared by the runs of one event loop.

psycopg's own pool waits ever longer between its attempts when the server goes away, and lets its
users wait with it. Here whoever needs a connection makes one, and hears at once why there is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus

Connection = AsyncConnection[Any]


class Connections:
    """At most so many connections; they are opened when needed and kept."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], most: int) -> None:
        self._connect = connect
        self._free = asyncio.Semaphore(most)
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[Connection, None]:
        """Lend a connection. Raises psycopg.Error when none can be made."""
        async with self._free:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                yield connection
            finally:
                if connection.info.transaction_status == TransactionStatus.IDLE:
                    self._idle.append(connection)
                else:  # it broke, or somebody was cancelled in the middle of a statement
                    await connection.close()

    async def close(self) -> None:
        """Close those that are not lent."""
        while self._idle:
            await self._idle.pop().close()
