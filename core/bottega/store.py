"""The seam to stores, and as much of the default store as needs no engine.

That is its register, and who is at work on what. Checkpoints and journals are the engine's. Where
the store is, is said by `bottega.home`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from bottega.database import SCHEMA_VERSION, SqliteDatabase, connect, storage_error
from bottega.errors import InputError
from bottega.home import scheme
from bottega.locks import FileLocks
from bottega.register import Register

if TYPE_CHECKING:
    from bottega.plugin.manager import PluginManager

_PATIENCE = 0.2
"""Seconds for which a name is asked for: somebody who only looks holds it for a moment."""
_PAUSE = 0.02

RUNS = """
CREATE TABLE IF NOT EXISTS bottega_runs (
    run_id TEXT PRIMARY KEY, thread TEXT NOT NULL, name TEXT NOT NULL, task TEXT NOT NULL,
    origin TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL, ended DOUBLE PRECISION,
    epoch BIGINT NOT NULL DEFAULT 1{counted});
CREATE INDEX IF NOT EXISTS bottega_runs_thread ON bottega_runs (thread, name);
CREATE TABLE IF NOT EXISTS bottega_questions (
    run_id TEXT NOT NULL, id TEXT NOT NULL, question TEXT NOT NULL, ruling TEXT,
    asked DOUBLE PRECISION NOT NULL, ruled DOUBLE PRECISION{counted}, PRIMARY KEY (run_id, id));
"""
"""The register's tables. `counted` adds a column that counts rows where a database has none."""


@runtime_checkable
class Store(Protocol):
    """A store, as far as it knows runs."""

    @property
    def register(self) -> Register:
        """The runs, and what they ask of people."""
        ...

    def hold(self, name: str, busy: InputError) -> AbstractAsyncContextManager[None]:
        """Hold a name while the block lasts; it is let go when the process dies.

        Raises `busy` when another block holds it, in this process or elsewhere.
        """
        ...

    async def held(self, names: Iterable[str]) -> set[str]:
        """Return those of the names that somebody holds."""
        ...


class SqliteStore:
    """The register and the names of a SQLite file."""

    def __init__(self, file: Path) -> None:
        """Open the file, or make it. Raises StorageError."""
        self.file = file
        self.database = SqliteDatabase(connect(file), str(file))
        set_up(self.database)
        self.register = Register(self.database)
        self._locks = FileLocks(file)

    @asynccontextmanager
    async def hold(self, name: str, busy: InputError) -> AsyncGenerator[None, None]:
        """Hold a name; see `Store.hold`. Raises StorageError where no file can be made."""
        try:
            tries = round(_PATIENCE / _PAUSE)
            while not self._locks.take(name):
                tries -= 1
                if tries <= 0:
                    raise busy
                await asyncio.sleep(_PAUSE)
        except OSError as error:
            raise storage_error(str(self.file), error) from error
        try:
            yield
        finally:
            self._locks.free(name)

    async def held(self, names: Iterable[str]) -> set[str]:
        """Return those of the names that somebody holds. Raises StorageError."""
        try:
            return {name for name in names if self._locks.is_held(name)}
        except OSError as error:
            raise storage_error(str(self.file), error) from error

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def set_up(database: SqliteDatabase) -> None:
    """Make the register's tables where they are missing. Raises StorageError."""
    connection = database.connection
    try:
        if database.is_read_only:
            return
        with database.lock:
            new = not connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            _add_epoch(connection)
            connection.executescript(RUNS.format(counted=""))
            if new:
                connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    except sqlite3.Error as error:
        raise storage_error(database.name, error) from error


def _add_epoch(connection: sqlite3.Connection) -> None:
    """Take in a register from before runs had epochs."""
    columns = [row[1] for row in connection.execute("PRAGMA table_info(bottega_runs)")]
    if columns and "epoch" not in columns:
        connection.execute("ALTER TABLE bottega_runs ADD COLUMN epoch BIGINT NOT NULL DEFAULT 1")


def run_name(run_id: str) -> str:
    """Return the name that is held by whoever carries out the run."""
    return f"run:{run_id}"


def thread_name(thread: str) -> str:
    """Return the name that is held by whoever works on the engine's thread."""
    return f"thread:{thread}"


@asynccontextmanager
async def open_register(
    address: str | Path, plugins: PluginManager | None = None
) -> AsyncGenerator[Store, None]:
    """Open the store for a while, to read and rule. Raises InputError when nothing is kept there.

    Only stores at a URL need their plugin for it.
    """
    if scheme(address) == "sqlite":
        file = _existing(Path(address))
        try:
            yield file
        finally:
            file.close()
        return
    made = make_checkpointer(address, plugins)
    if not isinstance(made, Store):
        raise InputError(f"stores of {scheme(address)!r} keep no register of runs")
    opened = cast("AbstractAsyncContextManager[Store]", made)
    async with opened as store:
        yield store


def _existing(file: Path) -> SqliteStore:
    if not file.is_file():
        raise InputError(f"{file}: no runs are kept here", hint="run a graph first")
    return SqliteStore(file)


def make_checkpointer(address: str | Path, plugins: PluginManager | None = None) -> Any:
    """Make the checkpointer that a plugin offers for the address; one to be opened is opened next.

    Raises UnknownNameError for a scheme that nobody offers, NotInstalledError.
    """
    from bottega.plugin.context import FactoryContext
    from bottega.plugin.manager import default_plugins

    plugins = plugins or default_plugins()
    context = FactoryContext(plugins=plugins)
    return plugins.make("checkpointer", scheme(address), context, address=str(address))
