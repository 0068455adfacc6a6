"""The tool that asks a database one question in SQL."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import CursorResult

from bottega.tools import Tool
from bottega_tools.sql.database import Database
from bottega_tools.sql.table import Bounds, lines

_Value = str | int | float | bool | None


class SqlQuery(Tool):
    """Asks one database."""

    name = "sql_query"

    def __init__(self, database: Database) -> None:
        self._database = database
        self.effects = "none" if database.rules.read_only else "once"
        self.permissions = database.kind.permissions
        self.timeout = database.rules.seconds + 10.0
        if not database.rules.read_only:
            self.description = (
                "Run one SQL statement, which may change the database; returns rows, or how many "
                "were changed."
            )

    def run(
        self,
        query: str,
        parameters: dict[str, _Value] | None = None,
        rows: Annotated[int, Field(ge=1, le=1_000)] = 100,
    ) -> str:
        """Ask the database with one SQL query; it can only be read. Each row is a JSON array.

        Args:
            query: one SELECT. Values that somebody else gave belong into `parameters`.
            parameters: values for `:name` in the query, by name.
            rows: how many rows to show at most.
        """
        started = time.monotonic()
        with self._database.connected() as connection:
            with closing(self._database.run(connection, query, parameters or {})) as result:
                told = self._told(result, rows, started)
            if not self._database.rules.read_only:
                connection.commit()
        return told

    def _told(self, result: CursorResult[Any], rows: int, started: float) -> str:
        if not result.returns_rows:
            count = result.rowcount
            return "done" if count < 0 else f"{count:,} row{'' if count == 1 else 's'} changed"
        names = list(result.keys())
        found = self._in_time(result, started)
        return "\n".join(lines(names, found, Bounds(rows=rows)))

    def _in_time(self, result: CursorResult[Any], started: float) -> Iterator[Sequence[object]]:
        """Yield the rows one by one: a result is never held as a whole."""
        while (row := result.fetchone()) is not None:
            self._database.check(started)
            yield row
