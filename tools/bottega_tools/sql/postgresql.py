"""PostgreSQL held to the rules: a read-only transaction, a cursor, an account that may do little.

A read-only transaction stops writes, but not what reaches beyond the database: reading the server's
files, starting programs there. Only the account stops that, so one that may is refused. A cursor
takes SELECT and VALUES alone and one statement; by the time a query runs the transaction has a
snapshot, and after that PostgreSQL lets nobody make it writable.

Sources: https://www.postgresql.org/docs/current/sql-set-transaction.html,
https://www.postgresql.org/docs/current/predefined-roles.html
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bottega.errors import ToolError
from bottega_tools.sql.database import Rules

WIDEST = 1_000_000
"""Characters of a row as text."""
_TOO_WIDE = "a row is too wide"
_AS_TEXT = ("date", "time", "timetz", "timestamp", "timestamptz", "interval")
"""Python has no date before the year 1 or after 9999, and no `infinity`; PostgreSQL has."""
_ABLE = text("""
    SELECT r.rolname FROM pg_roles r
    WHERE (r.rolsuper OR r.rolname IN (
        'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
    AND pg_has_role(session_user, r.oid, 'MEMBER') LIMIT 1
""")
"""Roles by which the account could reach beyond the database, now or after SET ROLE."""


class Postgresql:
    """A database on a PostgreSQL server."""

    def __init__(self, url: URL, rules: Rules) -> None:
        self._url = url
        self._rules = rules
        host = str(url.host or url.query.get("host") or "")
        self.permissions = frozenset({f"network:{host}" if host else "network"})

    def engine(self) -> Engine:
        milliseconds = int(self._rules.seconds * 1000) + 1
        settings = {
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds,
            "idle_in_transaction_session_timeout": 10 * milliseconds,
            "datestyle": "ISO",
        }
        if self._rules.read_only:
            settings["default_transaction_read_only"] = "on"
        engine = create_engine(
            self._url,
            poolclass=NullPool,
            connect_args={
                "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
                "connect_timeout": max(2, round(self._rules.seconds)),
                "prepare_threshold": 0,  # a prepared statement is one: `;` leads nowhere
                "application_name": "bottega",
            },
        )
        event.listen(engine, "connect", _prepare)
        return engine

    def begin(self, connection: Connection) -> None:
        if self._rules.read_only:
            connection.execution_options(postgresql_readonly=True)
        able = connection.execute(_ABLE).scalar()
        if able and not self._rules.privileged:
            raise ToolError(
                f"the account is refused: as {able!r} it could reach beyond the database",
                hint="give one that may only read its tables",
            )

    def bounded(self, query: str) -> str:
        """Let the server fail at a row that is too wide: libpq would take it in whole."""
        bare = query.rstrip().removesuffix(";")
        return (
            f"SELECT * FROM (\n{bare}\n) AS asked WHERE CASE"  # noqa: S608  # it is a query, whole
            f" WHEN octet_length(asked::text) <= {WIDEST} THEN true"
            f" ELSE left('{_TOO_WIDE}', octet_length(asked::text))::int = 0 END"
        )

    def stop(self, connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.cancel_safe(timeout=2.0)

    def spills(self) -> bool:
        """Leave the server's disk to the server."""
        return False

    def told(self, error: DBAPIError) -> str:
        said = str(error.orig).split("\nLINE ")[0]
        if _TOO_WIDE in said and "integer" in said:
            return f"{_TOO_WIDE}: more than {WIDEST:,} characters; select less of it"
        if self._rules.read_only and isinstance(error.orig, psycopg.errors.SyntaxError):
            return f"{said} (only one SELECT or VALUES is taken)"
        return said


def _prepare(connection: psycopg.Connection[Any], record: object) -> None:
    del record
    for name in _AS_TEXT:
        connection.adapters.register_loader(name, TextLoader)
