"""The SQL tools as offers; SQLAlchemy is imported when one is first named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

if TYPE_CHECKING:
    from bottega.tools import Tool

_TOOLS = {
    "sql_query": ("SqlQuery", "Ask a database; it may only be read unless more is said."),
    "sql_schema": ("SqlSchema", "Show a database's tables, columns and keys."),
}


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
        database: str,
        read_only: bool = True,
        privileged: bool = False,
        seconds: float = 10.0,
    ) -> Tool:
        from bottega_tools.sql.database import Rules, open_database

        rules = Rules(
            read_only=read_only or name == "sql_schema", privileged=privileged, seconds=seconds
        )
        made = getattr(import_module(f"bottega_tools.sql.{name}"), kind)
        tool: Tool = made(open_database(database, context.folder, rules))
        return tool

    return make
