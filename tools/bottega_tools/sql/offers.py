"""The SQL tools as offers; SQLAlchemy is imported when one is first named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

if TYPE_CHECKING:
    from bottega.tools import Tool

_TOOLS = {
    "sql_query": ("SqlQuery", "Ask a database; it may only be read unless more is said."),
    "sql_schema": ("SqlSchema", "Show a database's tables, columns and keys."),
}

MOST_SECONDS = 600.0
"""The longest that a query may take, whatever is said."""


def offers() -> Sequence[Offer]:
    """Return an offer for each."""
    return [
        Offer(name=name, summary=summary, factory=_factory(name, kind), extra="sql")
        for name, (kind, summary) in _TOOLS.items()
    ]


def _factory(name: str, kind: str) -> Callable[..., Tool]:
    def make(
        context: FactoryContext,
        *,
        database: object,
        read_only: object = True,
        privileged: object = False,
        seconds: object = 10.0,
    ) -> Tool:
        from bottega_tools.sql.database import Rules, open_database

        if not isinstance(database, str):
            raise InputError(f"{name}: database must be a text, got {database!r}")
        for option, value in (("read_only", read_only), ("privileged", privileged)):
            if not isinstance(value, bool):
                raise InputError(f"{name}: {option} must be true or false, got {value!r}")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
            raise InputError(f"{name}: seconds must be a number above zero, got {seconds!r}")
        rules = Rules(
            read_only=bool(read_only) or name == "sql_schema",
            privileged=bool(privileged),
            seconds=min(float(seconds), MOST_SECONDS),
        )
        made = getattr(import_module(f"bottega_tools.sql.{name}"), kind)
        tool: Tool = made(open_database(database, context.folder, rules))
        return tool

    return make
