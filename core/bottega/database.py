"""A database that answers one statement at a time: the seam below the register and the journals.

Statements are written once for all databases, with `?` where values stand. SQLite is here; others
come with the stores that plugins offer.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bottega.errors import StorageError
from bottega.home import make_private

T = TypeVar("T")

SCHEMA_VERSION = 3
"""Of everything that a store holds. 1 had its journal among LangGraph's pending writes, 2 had no
checksums."""
LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that is writing."""
_AT_ONCE = 0.05
"""Seconds of it that SQLite itself waits; after that the event loop gets its turn in between."""
_PAUSE = 0.02
_WAL_PAGES = 256
"""Pages of 4 KB in the write-ahead log before it is folded into the file."""


class Database(Protocol):
    """Somewhere that statements are carried out, each in a transaction of its own."""

    @property
    def number(self) -> str:
        """The column that counts the rows of a table as they come: no clock is asked for order."""
        ...

    @property
    def share(self) -> str:
        """What ends a SELECT whose rows must stay as they are until the statement is through."""
        ...

    async def do(self, statement: str, *values: object) -> list[Any]:
        """Carry out the statement and return its rows; it is on disk then. Raises StorageError."""
        ...

    async def change(self, statement: str, *values: object) -> int:
        """Carry out the statement and return how many rows it changed. Raises StorageError."""
        ...


class SqliteDatabase:
    """One SQLite file, written where the caller waits for it: that costs less than a thread."""

    number = "rowid"
    share = ""

    def __init__(self, connection: sqlite3.Connection, name: str = "the register of runs") -> None:
        self.connection = connection
        connection.isolation_level = None  # a statement alone needs no BEGIN and no COMMIT
        self.lock = threading.RLock()
        self.name = name

    async def do(self, statement: str, *values: object) -> list[Any]:
        """Carry out the statement; another process that writes is waited for."""
        return await self.patiently(lambda: self.do_now(statement, *values))

    def do_now(self, statement: str, *values: object) -> list[Any]:
        """Carry out the statement, without waiting. Raises sqlite3.Error."""
        with self.lock:
            return self.connection.execute(statement, values).fetchall()

    async def change(self, statement: str, *values: object) -> int:
        """Carry out the statement; another process that writes is waited for."""

        def at_once() -> int:
            with self.lock:
                return self.connection.execute(statement, values).rowcount

        return await self.patiently(at_once)

    @property
    def is_read_only(self) -> bool:
        """Whether it was opened to read; see `connect`."""
        return bool(self.do_now("PRAGMA query_only")[0][0])

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """Do all in the block, or nothing. Raises sqlite3.Error."""
        with self.lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.commit()
            except BaseException:
                self.connection.rollback()
                raise

    def now(self, action: Callable[[], T]) -> T:
        """Do what needs the file, for those without an event loop. Raises StorageError."""
        try:
            with self.lock:
                return action()
        except sqlite3.Error as error:
            raise storage_error(self.name, error) from error

    async def patiently(self, action: Callable[[], T]) -> T:
        """Do what needs the file; try again while others write to it. Raises StorageError."""
        try:
            return action()
        except sqlite3.Error as error:
            raised = error
        end = time.monotonic() + LOCK_TIMEOUT
        while _is_busy(raised) and time.monotonic() < end:
            await asyncio.sleep(_PAUSE)
            try:
                return action()
            except sqlite3.Error as error:
                raised = error
        raise storage_error(self.name, raised) from raised

    def wait_in_loop(self) -> None:
        """Let the event loop have its turn while another process writes, from here on."""
        self.connection.execute(f"PRAGMA busy_timeout={round(_AT_ONCE * 1000)}")

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.connection.close()


def connect(file: Path) -> sqlite3.Connection:
    """Open a SQLite store, making it where there is none; one that cannot be written, to read.

    Raises StorageError when it is not one, or one of a version that is newer than this program.
    """
    if is_fixed(file):
        return connect_to_read(file, SCHEMA_VERSION)
    try:
        make_private(file)  # SQLite gives the files beside it the same mode
        connection = sqlite3.connect(file, check_same_thread=False, timeout=LOCK_TIMEOUT)
    except (sqlite3.Error, OSError) as error:
        raise storage_error(str(file), error) from error
    try:
        check_version(str(file), connection.execute("PRAGMA user_version").fetchone()[0])
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # heeded by a new file only
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={_WAL_PAGES * 4096}")
        connection.execute("PRAGMA cell_size_check=ON")
    except BaseException as error:
        connection.close()
        if isinstance(error, (sqlite3.Error, UnicodeDecodeError)):
            raise storage_error(str(file), error) from error
        raise
    return connection


def is_fixed(file: Path) -> bool:
    """Say whether there is a file that this process may not write, or not in its folder."""
    return file.is_file() and not all(os.access(one, os.W_OK) for one in (file, file.parent))


def connect_to_read(file: Path, version: int) -> sqlite3.Connection:
    """Open a SQLite file of that version to read, where nothing can be written, not even beside it.

    Raises StorageError, also for a file that has to be brought up to date first.
    """
    connection = None
    try:
        connection = _first_read(file)
        known = connection.execute("PRAGMA user_version").fetchone()[0]
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if connection is not None:
            connection.close()
        hint = _COPY if os.access(file, os.R_OK) else "it is not yours to read"
        raise storage_error(str(file), error, hint=hint) from error
    if known == version:
        return connection
    connection.close()
    check_version(str(file), known)
    raise StorageError(f"{file}: version {known} has to be brought up to date", hint=_COPY)


def _first_read(file: Path) -> sqlite3.Connection:
    """Open the file and read of it.

    What SQLite shares with other processes lies in a file beside it. Where that cannot be made,
    nobody writes, and it can do without it, unless a log is left that it would have to look up.
    """
    address = f"{file.absolute().as_uri()}?mode=ro"
    try:
        return _reading(address)
    except sqlite3.OperationalError:
        log = file.with_name(f"{file.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _reading(f"{address}&immutable=1")


def _reading(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
        connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def check_version(name: str, version: int) -> None:
    """Raise StorageError for a store that a newer program has written."""
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"{name}: this store has version {version}; this Bottega reads up to {SCHEMA_VERSION}",
            hint="update bottega, or keep runs elsewhere: BOTTEGA_STORE or BOTTEGA_HOME",
        )


def storage_error(name: str, error: Exception, *, hint: str = "") -> StorageError:
    """Say in one line what is wrong with a SQLite file, and what helps.

    `hint` takes the place of the usual one, but for a file that is damaged.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or not hint:
        hint = _HINTS.get(code, "")
    if isinstance(error, OSError):
        hint = _HINTS[sqlite3.SQLITE_CANTOPEN]
    if isinstance(error, UnicodeDecodeError):  # SQLite quotes a damaged schema as it stands
        hint = _DAMAGED
    retryable = code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)
    return StorageError(f"{name}: {error}", hint=hint, retryable=retryable)


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


_DAMAGED = "put a copy in its place, or move the file away to begin anew"
_COPY = "copy it, with what lies beside it, to a folder you can write: --folder, or BOTTEGA_HOME"
_FULL = "make room; what is recorded is safe, go on then with: bottega resume RUN"
_HINTS = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FULL,
    sqlite3.SQLITE_BUSY: "another program holds the file; find it with: fuser FILE",
    sqlite3.SQLITE_READONLY: "set BOTTEGA_HOME to a folder you can write",
    sqlite3.SQLITE_CANTOPEN: "set BOTTEGA_HOME to a folder you can write",
}
