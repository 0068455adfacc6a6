"""A PostgreSQL server as a database: connections that outlive its restarts, errors in one line."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bottega.errors import InputError, StorageError
from bottega.escape import mask, one_line
from bottega_agents.storage.connections import Connection, Connections

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds for which a run waits for a server that is restarted."""
OPENING = 10.0
"""Seconds for which one that is just starting is waited for in the beginning."""
MOST_CONNECTIONS = 8
_PAUSES = (0.05, 0.1, 0.25, 0.5, 1.0)
_DEFAULTS: dict[str, Any] = {
    "connect_timeout": 5,
    "application_name": "bottega",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_STARTING = "57P03"
_GOING_DOWN = ("57P01", "57P02", _STARTING)
_AGAIN = ("40001", "40P01")
"""Serialization failure, deadlock: the server asks to try again."""

logging.getLogger("psycopg").addHandler(logging.NullHandler())
"""It tells of every failed attempt; we tell once, with an error."""


class PostgresDatabase:
    """A database on a PostgreSQL server; its connections belong to one event loop."""

    number = "number"
    share = " FOR SHARE"

    def __init__(self, url: str) -> None:
        """Take the address. Raises InputError when it is none."""
        try:
            known = conninfo_to_dict(url)
        except psycopg.Error as error:
            problem = one_line(str(error))
            raise InputError(
                f"this is no address of a PostgreSQL database: {problem}",
                hint="postgresql://USER:PASSWORD@HOST:5432/DATABASE",
            ) from None
        self.name = _shown(known)
        self._secret = str(known.get("password") or "")
        self._conninfo = make_conninfo(url, **{**_DEFAULTS, **known})
        self._connections = Connections(self.connect, MOST_CONNECTIONS)
        self.connection = self._connections.one
        """Lends a connection; raises psycopg.Error."""

    async def open(self) -> None:
        """See whether the server lets us in. Raises StorageError."""
        connection = await self.patiently(self.connect, OPENING, starting=True)
        await connection.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._connections.close()

    async def connect(self) -> Connection:
        """Make a connection beside those that are shared."""
        return await AsyncConnection.connect(self._conninfo, autocommit=True)

    async def do(self, statement: str, *values: object) -> list[Any]:
        """Carry out the statement; a server that is restarted is waited for.

        It may be carried out twice where the answer to the first time was lost.
        """
        return await self.patiently(lambda: self._once(statement, values))

    async def change(self, statement: str, *values: object) -> int:
        """Carry out the statement and return how many rows it changed; see `do`."""
        return await self.patiently(lambda: self._changed(statement, values))

    async def _changed(self, statement: str, values: tuple[object, ...]) -> int:
        async with self.connection() as connection:
            return (await connection.execute(*_in_postgres(statement, values))).rowcount

    async def _once(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        async with self.connection() as connection:
            cursor = await connection.execute(*_in_postgres(statement, values))
            return await cursor.fetchall() if cursor.description else []

    async def patiently(
        self,
        action: Callable[[], Awaitable[T]],
        patience: float = PATIENCE,
        *,
        starting: bool = False,
    ) -> T:
        """Do what needs the server; again when the connection broke. Raises StorageError.

        With `starting` only a server that is on its way up is waited for.
        """
        end, tries = time.monotonic() + patience, 0
        while True:
            try:
                return await action()
            except psycopg.Error as error:
                again = error.sqlstate == _STARTING if starting else _is_lost(error)
                if not again or time.monotonic() > end:
                    raise self.error(error) from None
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1

    def error(self, error: psycopg.Error) -> StorageError:
        """Say in one line what is wrong, without the password."""
        lines = [line for line in str(error).splitlines() if line.strip()]
        said = mask(one_line(lines[0] if lines else type(error).__name__))
        if self._secret:
            said = said.replace(self._secret, "***")
        state = error.sqlstate or ""
        by_state = (hint for mark, hint in _STATES if state.startswith(mark))
        hint = next(by_state, "") or next((hint for mark, hint in _WORDS if mark in said), "")
        return StorageError(f"{self.name}: {said}", hint=hint, retryable=_is_lost(error))


_STATES = (
    ("28", "check user and password in BOTTEGA_STORE"),
    ("3D", "make it with: createdb NAME"),
    ("42501", "the user needs the right to create tables"),
    ("53", "make room on the server; go on then with: bottega resume RUN"),
)
_WORDS = (  # an error of the connection carries no state
    ("authentication failed", "check user and password in BOTTEGA_STORE"),
    ("no password supplied", "check user and password in BOTTEGA_STORE"),
    ("does not exist", "make it with: createdb NAME"),
    ("refused", "is the server running, and the address right?"),
    ("timeout", "is the server running, and the address right?"),
    ("resolve", "is the server running, and the address right?"),
)


def _in_postgres(statement: str, values: tuple[object, ...]) -> tuple[Any, list[object]]:
    """Return the statement as psycopg takes it, and values without what no text here may hold."""
    plain = [v.replace("\0", "\ufffd") if isinstance(v, str) else v for v in values]
    return statement.replace("?", "%s"), plain


def _is_lost(error: psycopg.Error) -> bool:
    """Say whether the connection broke, not the statement."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith("08") or state in _GOING_DOWN or state in _AGAIN


def _shown(known: dict[str, Any]) -> str:
    """Return the address as it may be shown: without password and options."""
    user = f"{known['user']}@" if known.get("user") else ""
    port = f":{known['port']}" if known.get("port") else ""
    return f"postgresql://{user}{known.get('host') or 'localhost'}{port}/{known.get('dbname', '')}"
