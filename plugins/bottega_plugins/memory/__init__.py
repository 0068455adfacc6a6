"""Memory between runs: facts and episodes in SQLite or PostgreSQL, and the command `memory`.

Only the offers stand here; what they make is imported when it is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.spec import hookimpl

if TYPE_CHECKING:
    import click

    from bottega.plugin.context import FactoryContext
    from bottega_plugins.memory.kept import KeptMemory

EMBEDDER = "minilm"
FILE = "memory.db"
"""The file in the state folder."""


def _sqlite(context: FactoryContext, file: str = "", embedder: str = EMBEDDER) -> KeptMemory:
    from bottega_plugins.memory.kept import KeptMemory
    from bottega_plugins.memory.sqlite_file import SqliteFile

    named = Path(file or context.argument).expanduser()
    path = context.folder / named if named.name else context.state_folder / FILE
    return KeptMemory(lambda: SqliteFile(path), context.make("embedder", embedder))


def _postgresql(context: FactoryContext, url: str = "", embedder: str = EMBEDDER) -> KeptMemory:
    import os

    from bottega_plugins.memory.kept import KeptMemory
    from bottega_plugins.memory.postgres_server import PostgresServer

    address = url or os.environ.get("BOTTEGA_MEMORY", "")
    if not address.startswith(("postgresql://", "postgres://")):
        raise InputError(
            "the memory 'postgresql' is not told where its server is",
            hint="set BOTTEGA_MEMORY=postgresql://USER@HOST/DATABASE",
        )
    return KeptMemory(lambda: PostgresServer(address), context.make("embedder", embedder))


def _command(context: FactoryContext) -> click.Command:
    from bottega_plugins.memory.command import make_command

    return make_command(context)


@hookimpl
def bottega_memories() -> Iterable[Offer]:
    """Offer memories in SQLite and in PostgreSQL."""
    return [
        Offer(
            name="sqlite",
            summary="Facts and episodes in a file, found by meaning and words.",
            factory=_sqlite,
        ),
        Offer(
            name="postgresql",
            summary="The same in PostgreSQL, for several machines.",
            factory=_postgresql,
            extra="postgres",
            settings={"BOTTEGA_MEMORY": "URL of the database: postgresql://USER@HOST/DATABASE"},
        ),
    ]


@hookimpl
def bottega_commands() -> Iterable[Offer]:
    """Offer the command that shows, exports and forgets."""
    summary = "See, export and delete what agents remember."
    return [Offer(name="memory", summary=summary, factory=_command)]
