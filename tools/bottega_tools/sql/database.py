"""A database as the SQL tools see it: one connection a call, held to the rules by the database.

What holds it is each kind's business: `bottega_tools.sql.sqlite`, `bottega_tools.sql.postgresql`.
No connection is used twice, so that nothing a query has set lives on.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, CursorResult, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from bottega.errors import InputError, ToolError
from bottega.escape import one_line
from bottega_tools.sql.address import address_of

Parameters = Mapping[str, str | int | float | bool | None]

LONGEST_QUERY = 50_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_PLACEHOLDER = re.compile(r"(?<![:\w\\]):(\w+)(:?)", re.ASCII)
"""What may be a parameter. SQLAlchemy takes it for one also in quotes, and not before a colon."""
_AGAIN = 0.25
"""Seconds after which a query is looked at, or told to end, again."""
_LESS = "ask for less: a condition, an index, fewer tables joined"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a query may do."""

    read_only: bool = True
    privileged: bool = False
    """The account may reach beyond the database: read files of the server, start programs there."""
    seconds: float = 10.0


class Kind(Protocol):
    """What is different from one kind of database to the other."""

    @property
    def permissions(self) -> frozenset[str]:
        """What a tool needs that asks it."""
        ...

    def engine(self) -> Engine:
        """Return what makes connections that are held to the rules."""
        ...

    def begin(self, connection: Connection) -> None:
        """Begin a transaction. Raises ToolError for an account that may do too much."""
        ...

    def bounded(self, query: str) -> str:
        """Return the query so that no row of it is too wide to be taken in."""
        ...

    def stop(self, connection: Connection) -> None:
        """End what the connection does; called from another thread."""
        ...

    def spills(self) -> bool:
        """Say whether queries fill the disk of this machine to sort and to join."""
        ...

    def told(self, error: DBAPIError) -> str:
        """Return what the database says of a problem."""
        ...


@dataclass(frozen=True, kw_only=True)
class Database:
    """One database and the rules for it."""

    kind: Kind
    rules: Rules
    secret: str = ""
    """The password; it is taken out of whatever is said."""

    @contextmanager
    def connected(self) -> Generator[Connection, None, None]:
        """Open a connection for one call, in a transaction; it is undone unless committed.

        Raises ToolError for whatever the database says, and when the time is up.
        """
        started, spilled = time.monotonic(), threading.Event()
        engine = self.kind.engine()
        try:
            with engine.connect() as connection, self._watched(connection, spilled):
                self.kind.begin(connection)
                yield connection
        except (SQLAlchemyError, OverflowError, ValueError) as error:
            if spilled.is_set():
                raise ToolError("the query takes too much of the disk", hint=_LESS) from error
            if time.monotonic() - started >= self.rules.seconds:
                raise self._late() from error
            raise self._problem(error) from error
        finally:
            engine.dispose()

    def run(self, connection: Connection, query: str, given: Parameters) -> CursorResult[object]:
        """Execute one statement; rows come as they are fetched. Raises ToolError."""
        if len(query) > LONGEST_QUERY:
            raise ToolError(f"the query has more than {LONGEST_QUERY:,} characters")
        if not query.strip():
            raise ToolError("the query is empty")
        if "\0" in query:
            raise ToolError("the query has a NUL character")
        bare = self.kind.bounded(query) if self.rules.read_only else query
        streamed = connection.execution_options(stream_results=self.rules.read_only)
        return streamed.execute(text(_with_parameters(bare, given)), dict(given))

    def check(self, started: float) -> None:
        """Raise ToolError when the time is up since `time.monotonic()` was `started`."""
        if time.monotonic() - started >= self.rules.seconds:
            raise self._late()

    def _late(self) -> ToolError:
        return ToolError(f"the query took longer than {self.rules.seconds:g} s", hint=_LESS)

    @contextmanager
    def _watched(
        self, connection: Connection, spilled: threading.Event
    ) -> Generator[None, None, None]:
        """Stop the connection's work when it takes too much, until it has stopped."""
        over, deadline = threading.Event(), time.monotonic() + self.rules.seconds

        def watch() -> None:
            while not over.wait(max(0.0, min(_AGAIN, deadline - time.monotonic()))):
                if self.kind.spills():
                    spilled.set()
                elif time.monotonic() < deadline:
                    continue
                with suppress(Exception):  # the query may have ended in this very moment
                    self.kind.stop(connection)
                over.wait(_AGAIN)

        thread = threading.Thread(target=watch, daemon=True, name="bottega-sql")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _problem(self, error: Exception) -> ToolError:
        said = self.kind.told(error) if isinstance(error, DBAPIError) else str(error)
        said = said.replace(self.secret, "***") if self.secret else said
        return ToolError(f"the database says: {one_line(said, 500)}")


def _with_parameters(query: str, given: Parameters) -> str:
    """Mark as parameters what is given, and nothing else. Raises ToolError for one without use."""

    def marked(found: re.Match[str]) -> str:
        if found[1] in given:
            return f":{found[1]} {found[2]}"
        return found[0] if found[2] else f"\\{found[0]}"

    for name in given:
        if not _NAME.fullmatch(name):
            raise ToolError(f"{one_line(name, 60)!r} is no name of a parameter")
    unused = sorted(given.keys() - {found[1] for found in _PLACEHOLDER.finditer(query)})
    if unused:
        raise ToolError(f"the query has no :{unused[0]}", hint="a parameter is written :name")
    return _PLACEHOLDER.sub(marked, query.replace("\\:", "\\\\:"))


def open_database(database: str, folder: Path, rules: Rules) -> Database:
    """Return the database that a graph in the folder names; nothing is connected to yet.

    Raises InputError for one that cannot be held to the rules, ImportError without its driver.
    """
    url = address_of(database, folder)
    return Database(kind=_kind(url, rules), rules=rules, secret=str(url.password or ""))


def _kind(url: URL, rules: Rules) -> Kind:
    backend = url.get_backend_name()
    if backend == "sqlite":
        from bottega_tools.sql.sqlite import Sqlite

        return Sqlite(url.database or "", rules)
    if backend == "postgresql":
        from bottega_tools.sql.postgresql import Postgresql

        return Postgresql(url, rules)
    if rules.read_only:
        raise InputError(
            f"{backend}: that it is only read cannot be enforced",
            hint="say read_only: false and give an account that may only read",
        )
    return Other(url)


class Other:
    """Any other database that SQLAlchemy knows: its account is what limits a query."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self.permissions = frozenset({f"network:{url.host}" if url.host else "network"})
        self.engine().dispose()  # a missing driver is told here

    def engine(self) -> Engine:
        return create_engine(self._url, poolclass=NullPool)

    def begin(self, connection: Connection) -> None:
        """Leave it to SQLAlchemy."""

    def bounded(self, query: str) -> str:
        return query

    def stop(self, connection: Connection) -> None:
        connection.connection.driver_connection.close()  # type: ignore[union-attr]

    def spills(self) -> bool:
        return False

    def told(self, error: DBAPIError) -> str:
        return str(error.orig)
