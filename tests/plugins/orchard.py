"""A folder of documents on fruit for tests, and what is often asked of its index."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hash_embedder import HashEmbedder

from bottega_plugins.knowledge.index.progress import UpdateReport
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase


def planted(tmp_path: Path) -> Path:
    """Return a folder of three documents."""
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "apples.md").write_text(
        "# Apples\n\nApples are red or green.\n\n## Pie\n\nBake it.\n"
    )
    (folder / "deep/pears.txt").write_text("Title: Pears\nColour: yellow\n\nPears are sweet.\n")
    (folder / "plums.rst").write_text("Plums\n=====\n\nPlums are blue.\n")
    return folder


def open_base(docs: Path, embedder: HashEmbedder | None = None) -> KnowledgeBase:
    """Return the base over a folder."""
    return KnowledgeBase.open(docs, embedder or HashEmbedder())


def update(docs: Path, embedder: HashEmbedder | None = None) -> UpdateReport:
    """Bring its index in line with it."""
    return open_base(docs, embedder).update()


def sources(base: KnowledgeBase, query: str, k: int = 10) -> list[str]:
    """Return the sources of what is found, best first."""
    return [citation.source for citation in base.search(query, k)]


def names(path: Path) -> set[str]:
    """Return the sources of all that a whole index holds."""
    base = open_base(path)
    base.verify()
    return {document.source for document in base.documents()}


def segment(base: KnowledgeBase) -> Path:
    """Return the folder of the only segment."""
    (found,) = base.index.glob("segment-*")
    return found


class SlowEmbedder(HashEmbedder):
    """Waits in the middle of an update until the test lets it go on."""

    def __init__(self) -> None:
        super().__init__()
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()

    async def embed(self, texts):  # type: ignore[no-untyped-def,override]
        self.started.set()
        await self.go_on.wait()
        return await super().embed(texts)
