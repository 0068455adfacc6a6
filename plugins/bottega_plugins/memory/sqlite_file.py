"""The table in a SQLite file.

What is deleted is overwritten (`secure_delete`), and the write-ahead log, which holds older copies
of pages, is folded into the file and cut to nothing before a deletion counts as done.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

from bottega.database import (
    LOCK_TIMEOUT,
    SqliteDatabase,
    connect_to_read,
    is_fixed,
    storage_error,
)
from bottega.errors import StorageError
from bottega.home import make_private
from bottega_plugins.memory.rows import INDEX, TABLE, VERSION

_PAUSE = 0.05


class SqliteFile:
    """One file, written where the caller waits for it."""

    def __init__(self, file: Path) -> None:
        """Open the file, or make it. Raises StorageError."""
        self.file = file
        self._database = SqliteDatabase(_connect(file), str(file))
        self._database.wait_in_loop()

    async def do(self, statement: str, *values: object) -> list[Any]:
        """Carry out a statement; another process that writes is waited for."""
        return await self._database.do(statement, *values)

    async def version(self) -> int | None:
        """Return SQLite's own number for it."""
        [(number,)] = await self._database.do("PRAGMA data_version")
        return int(number)

    async def wipe(self) -> None:
        """Cut the log. Raises StorageError when another process keeps it from being cut."""
        end = time.monotonic() + LOCK_TIMEOUT
        while True:
            [(busy, *_)] = await self._database.patiently(self._cut)
            if not busy:
                return
            if time.monotonic() > end:
                raise StorageError(
                    f"{self.file}: what was deleted may still stand in the log beside it: another "
                    "process reads it",
                    hint="end that process and forget once more",
                    retryable=True,
                )
            await asyncio.sleep(_PAUSE)

    def _cut(self) -> list[Any]:
        # outside of a transaction, which SqliteDatabase.do_now would begin
        return self._database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _connect(file: Path) -> sqlite3.Connection:
    if is_fixed(file):
        return connect_to_read(file, VERSION)
    try:
        make_private(file)
        connection = sqlite3.connect(file, check_same_thread=False, timeout=LOCK_TIMEOUT)
    except (sqlite3.Error, OSError) as error:
        raise storage_error(str(file), error) from error
    try:
        _set_up(file, connection)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise storage_error(str(file), error) from error
        raise
    return connection


def _set_up(file: Path, connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise StorageError(
            f"{file}: this memory has version {version}; this Bottega reads up to {VERSION}",
            hint="update bottega, or keep memory elsewhere: {sqlite: {file: FILE}}",
        )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # safe from kill -9; a power cut may undo
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA cell_size_check=ON")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        seq = "seq INTEGER PRIMARY KEY AUTOINCREMENT"
        connection.execute(TABLE.format(seq=seq, bytes="BLOB"))
        connection.execute(INDEX)
        connection.execute(f"PRAGMA user_version={VERSION}")
