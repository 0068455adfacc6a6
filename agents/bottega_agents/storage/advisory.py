"""Names that one process at a time may hold, as advisory locks of a PostgreSQL session.

The session is a connection of its own: the server lets its locks go when the process dies. A server
that is restarted forgets them, so they are taken again as soon as it is back; whether somebody else
was quicker shows in the epoch of the run, not here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection

Connect = Callable[[], Awaitable[AsyncConnection[Any]]]

BEAT = 2.0
"""Seconds between two looks at the session while names are held."""
_TAKE = "SELECT pg_try_advisory_lock(%s)"
_FREE = "SELECT pg_advisory_unlock(%s)"
_HELD = (
    "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' "
    "AND objsubid = 1 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class AdvisoryLocks:
    """The names that one event loop holds. Every method raises psycopg.Error."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._session: AsyncConnection[Any] | None = None
        self._names: set[str] = set()
        self._one = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None

    async def take(self, name: str) -> bool:
        """Take the name if nobody has it."""
        async with self._one:
            if name in self._names:
                return False
            session = await self._opened()
            if not await _answer(session, _TAKE, name):
                return False
            self._names.add(name)
            if self._watch is None:
                self._watch = asyncio.create_task(self._look_after())
            return True

    async def free(self, name: str) -> None:
        """Let go of a name that was taken; a session that is gone has let go of it already."""
        async with self._one:
            self._names.discard(name)
            if self._session is not None and not self._session.broken:
                with suppress(psycopg.Error):
                    await _answer(self._session, _FREE, name)

    async def held(self, names: Iterable[str]) -> set[str]:
        """Return those of the names that somebody holds."""
        async with self._one:
            session = await self._opened()
            rows = await (await session.execute(_HELD)).fetchall()
        taken = {row[0] for row in rows}
        return {name for name in names if key(name) in taken}

    async def close(self) -> None:
        """Let go of everything."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _opened(self) -> AsyncConnection[Any]:
        """Return the session: a new one, with all that was held, where the old one broke."""
        session = self._session
        if session is None or session.closed or session.broken:
            self._session = None
            session = await self._connect()
            for name in self._names:
                await _answer(session, _TAKE, name)
            self._session = session
        return session

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            with suppress(psycopg.Error):  # the server is away: next time
                async with self._one:
                    await (await self._opened()).execute("SELECT 1")


async def _answer(session: AsyncConnection[Any], question: Any, name: str) -> bool:
    row = await (await session.execute(question, (key(name),))).fetchone()
    return bool(row and row[0])


def key(name: str) -> int:
    """Return the number that stands for a name: 63 bits of its hash."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
