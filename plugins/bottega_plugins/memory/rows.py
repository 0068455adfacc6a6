"""What is remembered, as rows of one table: written once for every database.

A fact's row is never changed: that it is superseded is said by the newer row alone, so that each
change is one statement, whole or not at all. Meaning and ranking are the business of `known`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["fact", "episode"]
VERSION = 1
"""Of the table."""
TABLE = """
CREATE TABLE IF NOT EXISTS bottega_memory (
    {seq}, id TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL, text TEXT NOT NULL,
    data TEXT NOT NULL, supersedes TEXT NOT NULL, embedder TEXT NOT NULL, vector {bytes} NOT NULL,
    UNIQUE (kind, id))
"""
"""`owner` is the user; `text` is what is searched; `vector` float32, little-endian."""
INDEX = "CREATE INDEX IF NOT EXISTS bottega_memory_owner ON bottega_memory (kind, owner)"
_LIGHT = "seq, id, kind, owner, text, data, supersedes, embedder"
_COLUMNS = f"{_LIGHT}, vector"
_AT_ONCE = 400
"""Ids in one statement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing that is remembered, as it is kept."""

    id: str
    kind: Kind
    owner: str
    text: str
    data: str
    """JSON."""
    supersedes: str = ""
    embedder: str = ""
    vector: bytes = b""
    seq: int = 0
    """Its number, given by the database, in the order in which rows came."""


class Database(Protocol):
    """Where the table is; every statement is a transaction of its own."""

    async def do(self, statement: str, *values: object) -> list[Any]:
        """Carry out a statement with `?` where values stand. Raises StorageError."""
        ...

    async def version(self) -> int | None:
        """Return a number that changes when others write; None where only counting tells."""
        ...

    async def wipe(self) -> None:
        """Make what was deleted unreadable on disk, as far as the database can see to it."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class Rows:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, row: Row) -> int:
        """Add a row; return its number, 0 when there is one of that id."""
        statement = (
            "INSERT INTO bottega_memory (id, kind, owner, text, data, supersedes, embedder, vector)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO NOTHING RETURNING seq"
        )
        values = (row.id, row.kind, row.owner, row.text, row.data)
        end = (row.supersedes, row.embedder, row.vector)
        found = await self._database.do(statement, *values, *end)
        return int(found[0][0]) if found else 0

    async def version(self) -> int | None:
        """Return the database's version; see `Database.version`."""
        return await self._database.version()

    async def since(self, kind: Kind, seq: int) -> list[Row]:
        """Return the rows of a kind that came after a number, in order."""
        found = await self._database.do(
            f"SELECT {_COLUMNS} FROM bottega_memory WHERE kind = ? AND seq > ? ORDER BY seq",  # noqa: S608  # no value is in it
            kind,
            seq,
        )
        return [_row(values) for values in found]

    async def of(self, kind: Kind, owner: str | None) -> list[Row]:
        """Return the rows of a kind, of one owner or of all, without their vectors."""
        condition = "" if owner is None else " AND owner = ?"
        statement = f"SELECT {_LIGHT} FROM bottega_memory WHERE kind = ?{condition} ORDER BY seq"  # noqa: S608  # no value is in it
        values = (kind,) if owner is None else (kind, owner)
        return [_row((*found, b"")) for found in await self._database.do(statement, *values)]

    async def extent(self, kind: Kind) -> tuple[int, int]:
        """Return how many rows of a kind there are, and the number of the last."""
        statement = "SELECT count(*), coalesce(max(seq), 0) FROM bottega_memory WHERE kind = ?"
        [(count, last)] = await self._database.do(statement, kind)
        return int(count), int(last)

    async def embed(self, rows: Iterable[tuple[int, str, bytes]]) -> None:
        """Keep new vectors, each with the number of its row and the embedder's name."""
        for seq, embedder, vector in rows:
            statement = "UPDATE bottega_memory SET embedder = ?, vector = ? WHERE seq = ?"
            await self._database.do(statement, embedder, vector, seq)

    async def delete(self, kind: Kind, ids: Sequence[str]) -> int:
        """Delete rows; return how many there were."""
        count = 0
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            statement = f"DELETE FROM bottega_memory WHERE kind = ? AND id IN ({marks}) RETURNING 1"  # noqa: S608  # marks only
            count += len(await self._database.do(statement, kind, *some))
        return count

    async def delete_owner(self, owner: str) -> int:
        """Delete all rows of an owner; return how many there were."""
        statement = "DELETE FROM bottega_memory WHERE owner = ? RETURNING 1"
        return len(await self._database.do(statement, owner))


def _row(values: Sequence[Any]) -> Row:
    seq, name, kind, owner, text, data, supersedes, embedder, vector = values
    return Row(
        seq=seq,
        id=name,
        kind=kind,
        owner=owner,
        text=text,
        data=data,
        supersedes=supersedes,
        embedder=embedder,
        vector=bytes(vector),
    )
