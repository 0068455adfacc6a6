"""The tool that shows what a database holds: tables, columns, keys, and about how many rows."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Inspector, inspect, select
from sqlalchemy import func as sql
from sqlalchemy import table as sql_table
from sqlalchemy.engine.interfaces import (
    ReflectedColumn,
    ReflectedForeignKeyConstraint,
    ReflectedIndex,
)
from sqlalchemy.exc import SQLAlchemyError

from bottega.errors import ToolError, suggest
from bottega.escape import one_line
from bottega.tools import Tool
from bottega_tools.sql.database import Database

_MOST_TABLES = 200
_DETAILED = 30
"""Tables that are shown with their columns; of more only the names are."""
_MOST_COLUMNS = 200
_COUNTED = 10_000
"""Rows that are counted; of more it is only said that there are."""


class SqlSchema(Tool):
    """Shows one database's schema."""

    name = "sql_schema"
    effects = "none"

    def __init__(self, database: Database) -> None:
        self._database = database
        self.permissions = database.kind.permissions
        self.timeout = database.rules.seconds + 10.0

    def run(self, table: str = "") -> str:
        """Show the tables and columns of the database, or one table with its keys and indexes.

        Args:
            table: one table or view, as `name` or `schema.name`; empty for all.
        """
        with self._database.connected() as connection:
            inspector = inspect(connection)
            if table:
                return "\n".join(_whole(connection, inspector, table))
            return "\n".join(_all(connection, inspector)) or "[the database has no tables]"


def _all(connection: Connection, inspector: Inspector) -> Iterator[str]:
    tables = inspector.get_table_names()
    views = inspector.get_view_names()
    detailed = len(tables) + len(views) <= _DETAILED
    for number, name in enumerate([*tables, *views]):
        if number == _MOST_TABLES:
            yield f"[{len(tables) + len(views) - number:,} more]"
            return
        told = one_line(name, 80) if name in tables else f"{one_line(name, 80)} (view)"
        if detailed:
            columns = inspector.get_columns(name)
            shown = ", ".join(
                f"{one_line(c['name'], 80)} {_type(connection, c)}" for c in columns[:50]
            )
            more = ", …" if len(columns) > 50 else ""
            told += f"({shown}{more})  {_rows(connection, name, None)}"
        yield told


def _whole(connection: Connection, inspector: Inspector, table: str) -> Iterator[str]:
    schema, _, name = table.rpartition(".")
    if not inspector.has_table(name, schema=schema or None):
        known = [*inspector.get_table_names(), *inspector.get_view_names()]
        raise ToolError(f"there is no table {one_line(table, 80)!r}", hint=suggest(table, known))
    place = schema or None
    yield f"{one_line(table, 120)}  {_rows(connection, name, place)}"
    for column in inspector.get_columns(name, schema=place)[:_MOST_COLUMNS]:
        more = "" if column["nullable"] else " not null"
        default = f" default {one_line(str(column['default']), 60)}" if column["default"] else ""
        yield f"  {one_line(column['name'], 80)} {_type(connection, column)}{more}{default}"
    key = inspector.get_pk_constraint(name, schema=place)["constrained_columns"]
    if key:
        yield f"  primary key ({', '.join(key)})"
    for foreign in inspector.get_foreign_keys(name, schema=place):
        yield f"  {_foreign(foreign)}"
    for index in inspector.get_indexes(name, schema=place):
        yield f"  {_index(index)}"


def _type(connection: Connection, column: ReflectedColumn) -> str:
    return one_line(column["type"].compile(connection.dialect), 80)


def _foreign(key: ReflectedForeignKeyConstraint) -> str:
    ours, theirs = ", ".join(key["constrained_columns"]), ", ".join(key["referred_columns"])
    schema = f"{key['referred_schema']}." if key["referred_schema"] else ""
    return f"({ours}) refers to {schema}{key['referred_table']} ({theirs})"


def _index(index: ReflectedIndex) -> str:
    columns = ", ".join(name or "an expression" for name in index["column_names"])
    return f"{'unique ' if index['unique'] else ''}index ({columns})"


def _rows(connection: Connection, name: str, schema: str | None) -> str:
    """Count, but not for ever; a table that may not be read is not counted."""
    try:
        with connection.begin_nested():
            some = select(sql.count().label("n")).select_from(
                select(1).select_from(sql_table(name, schema=schema)).limit(_COUNTED + 1).subquery()
            )
            count = connection.execute(some).scalar_one()
    except SQLAlchemyError:
        return "rows: unknown"
    return f"rows: more than {_COUNTED:,}" if count > _COUNTED else f"rows: {count:,}"
