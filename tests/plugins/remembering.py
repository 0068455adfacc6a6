"""A process that remembers: `python remembering.py ADDRESS WORD COUNT`; says each fact's id."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hash_embedder import HashEmbedder

from bottega.memory import Fact
from bottega_plugins.memory.kept import KeptMemory


def opened(address: str, embedder: object = None) -> KeptMemory:
    """Open the memory at a URL or in a file, with the fast embedder."""

    def database():
        if address.startswith("postgresql://"):
            from bottega_plugins.memory.postgres_server import PostgresServer

            return PostgresServer(address)
        from bottega_plugins.memory.sqlite_file import SqliteFile

        return SqliteFile(Path(address))

    return KeptMemory(database, embedder or HashEmbedder())


async def remember(address: str, word: str, count: int) -> None:
    """Remember so many facts; each is told when it is on disk."""
    memory = opened(address)
    for number in range(count):
        fact = await memory.remember(Fact(text=f"{word}{number} is a number", user=word))
        print(fact.id, flush=True)
    await memory.aclose()


if __name__ == "__main__":
    asyncio.run(remember(sys.argv[1], sys.argv[2], int(sys.argv[3])))
