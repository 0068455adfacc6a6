"""The table in a PostgreSQL database, for memories that several machines share.

A deletion is a deletion of rows, and VACUUM clears their places; the server's own write-ahead log
and backups are its keeper's business.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, cast

from bottega.errors import InputError, NotInstalledError, StorageError
from bottega.escape import mask, one_line
from bottega_plugins.memory.rows import INDEX, TABLE, VERSION

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
except ImportError as error:  # said when a graph names it, not in the middle of a run
    raise NotInstalledError("psycopg", "postgres") from error

PATIENCE = 30.0
"""Seconds for which a server that is restarted is waited for."""
_PAUSE = 0.2
_LOCK = 0x626F7474
"""Name of the lock under which the table is made: two makers at once would collide."""


class PostgresServer:
    """One connection, used by one statement at a time, outside of the event loop."""

    def __init__(self, url: str) -> None:
        """Take the address. Raises InputError when it is none; StorageError."""
        try:
            known = conninfo_to_dict(url)
        except psycopg.Error as error:
            problem = one_line(str(error))
            raise InputError(
                f"this is no address of a PostgreSQL database: {problem}",
                hint="postgresql://USER:PASSWORD@HOST:5432/DATABASE",
            ) from None
        self._secret = str(known.get("password") or "")
        self._name = f"{known.get('host', 'localhost')}/{known.get('dbname', '')}"
        defaults: dict[str, Any] = {"connect_timeout": 5, "application_name": "bottega-memory"}
        self._conninfo = make_conninfo(url, **{**defaults, **known})
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()
        self._reached = False
        """Whether the server was ever there: one that never was is not waited for."""

    async def do(self, statement: str, *values: object) -> list[Any]:
        """Carry out a statement; a server that is restarted is waited for."""
        return await asyncio.to_thread(self._do, statement.replace("?", "%s"), values)

    async def version(self) -> int | None:
        """Return None: only counting tells what others have written."""
        return None

    async def wipe(self) -> None:
        """Clear the places of deleted rows."""
        await self.do("VACUUM bottega_memory")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _do(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        end = time.monotonic() + PATIENCE
        with self._lock:
            while True:
                try:
                    return self._once(statement, values)
                except psycopg.Error as error:
                    self._drop()
                    again = self._reached and _passing(error)
                    if not again or time.monotonic() > end:
                        raise self._error(error) from None
                time.sleep(_PAUSE)

    def _once(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        if self._connection is None:
            self._connection = self._open()
        cursor = self._connection.execute(cast("Any", statement), values)
        return cursor.fetchall() if cursor.description else []

    def _open(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._conninfo, autocommit=True)
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        self._reached = True
        return connection

    def _set_up(self, connection: psycopg.Connection[Any]) -> None:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            connection.execute("CREATE TABLE IF NOT EXISTS bottega_memory_version (version INT)")
            found = connection.execute("SELECT version FROM bottega_memory_version").fetchone()
            version = found[0] if found else 0
            if version > VERSION:
                raise StorageError(
                    f"{self._name}: this memory has version {version}; this Bottega reads up to "
                    f"{VERSION}",
                    hint="update bottega, or keep memory in another database",
                )
            seq = "seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
            connection.execute(cast("Any", TABLE.format(seq=seq, bytes="BYTEA")))
            connection.execute(INDEX)
            if not found:
                connection.execute("INSERT INTO bottega_memory_version VALUES (%s)", (VERSION,))

    def _drop(self) -> None:
        if self._connection is not None and self._connection.closed:
            self._connection = None

    def _error(self, error: psycopg.Error) -> StorageError:
        problem = one_line(mask(str(error)))
        if self._secret:
            problem = problem.replace(self._secret, "***")
        hint = "see that the server runs and lets this user in"
        return StorageError(f"{self._name}: {problem}", hint=hint, retryable=_passing(error))


def _passing(error: psycopg.Error) -> bool:
    """Say whether the trouble may be over soon: no connection, or a server going down or up."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError) and "password" not in str(error)
    return error.sqlstate in ("57P01", "57P02", "57P03", "08006", "08003", "08001")
