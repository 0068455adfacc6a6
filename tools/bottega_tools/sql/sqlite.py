"""SQLite held to the rules: opened for reading, and asked by SQLite before each thing it does.

Three things hold a query, and no reading of its text: the file is open for reading alone, SQLite's
authorizer allows nothing but reading, and its limits bound lengths and depth.

Sources: https://www.sqlite.org/security.html, https://www.sqlite.org/c3ref/set_authorizer.html
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bottega.errors import ToolError
from bottega_tools.sql.database import Rules

_READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_TRANSACTION,
    sqlite3.SQLITE_SAVEPOINT,
}
_NEVER = {
    sqlite3.SQLITE_ATTACH,
    sqlite3.SQLITE_DETACH,
    sqlite3.SQLITE_CREATE_VTABLE,
    sqlite3.SQLITE_DROP_VTABLE,
}
_PRAGMAS = {
    *("table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"),
    "foreign_key_list",
}
"""Those whose argument is what they tell of."""
_ASKED = {"encoding", "user_version", "read_uncommitted"}
"""Those that tell a setting when they have no argument; SQLAlchemy asks for the last."""
_FUNCTIONS = {"load_extension", "fts3_tokenizer"}
"""Those that nobody may call."""
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 10_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_COLUMN: 2_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
MOST_TEMPORARY = 500_000_000
"""Bytes of the files in which SQLite sorts what does not fit into memory."""
_OPERATIONS = 10_000
"""Steps of SQLite's machine after which it looks at the time."""


class Sqlite:
    """A file of SQLite's."""

    def __init__(self, file: str, rules: Rules) -> None:
        self._file = Path(file)
        self._rules = rules
        words = ("read",) if rules.read_only else ("read", "write")
        self.permissions = frozenset(f"files:{word}:{file}" for word in words)

    def engine(self) -> Engine:
        return create_engine("sqlite://", creator=self._connect, poolclass=NullPool)

    def begin(self, connection: Connection) -> None:
        """Leave it to the driver: what may be done is decided when the file is opened."""

    def bounded(self, query: str) -> str:
        return query

    def stop(self, connection: Connection) -> None:
        """End it also where a few steps take long: the time is looked at between many."""
        driver: Any = connection.connection.driver_connection
        driver.interrupt()

    def spills(self) -> bool:
        return _temporary() > MOST_TEMPORARY

    def told(self, error: DBAPIError) -> str:
        said = str(error.orig)
        if said == "not authorized" and self._rules.read_only:
            return "not authorized: it may only be read"
        return said

    def _connect(self) -> sqlite3.Connection:
        if not self._file.is_file():
            raise ToolError(f"there is no database {self._file.name!r}")
        mode = "ro" if self._rules.read_only else "rw"
        uri = f"file:{quote(str(self._file))}?mode={mode}"
        connection = sqlite3.connect(
            uri, uri=True, timeout=self._rules.seconds, isolation_level="DEFERRED"
        )
        try:
            self._hold(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _hold(self, connection: sqlite3.Connection) -> None:
        """Hold the connection to the rules; what it reads first tells whether it is a database."""
        deadline = time.monotonic() + self._rules.seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _OPERATIONS)
        connection.text_factory = _text
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        if self._rules.read_only:
            connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA schema_version").fetchone()
        for limit, most in _LIMITS.items():
            connection.setlimit(limit, most)
        connection.set_authorizer(_reads if self._rules.read_only else _writes)


def _temporary() -> int:
    """Return the bytes of this process's temporary files of SQLite's: they have no name any more.

    Systems without `/proc` cannot tell; there the time alone is a bound.
    """
    total = 0
    folder = Path("/proc/self/fd")
    for link in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):  # it has been closed meanwhile
            if "/etilqs_" in str(link.readlink()):
                total += link.stat().st_size
    return total


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")  # SQLite keeps any bytes as text


def _reads(action: int, first: str | None, second: str | None, *_: object) -> int:
    """Say whether a query that only reads may do this. Anything new is not allowed."""
    if action in _READING:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FUNCTIONS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and _tells(first, second):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _writes(action: int, first: str | None, second: str | None, *_: object) -> int:
    """Say whether a query that may write may do this: nothing beyond this one file."""
    if action in (sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_PRAGMA):
        return _reads(action, first, second)
    return sqlite3.SQLITE_DENY if action in _NEVER else sqlite3.SQLITE_OK


def _tells(name: str | None, argument: str | None) -> bool:
    lower = (name or "").lower()
    return lower in _PRAGMAS or (lower in _ASKED and argument is None)
