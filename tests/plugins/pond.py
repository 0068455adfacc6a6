"""A folder of notes for tests that change and break its index."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

from hash_embedder import HashEmbedder

from bottega_plugins.knowledge.index.manifest import Manifest, read_manifest
from bottega_plugins.knowledge.index.store import Store
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

NOUNS = ("frog", "toad", "newt", "eft", "pond", "reed", "fly", "moss", "rain", "stone")


def write(folder: Path, name: str, seed: int) -> None:
    """Write a note that depends on its name and a number."""
    chance = random.Random(f"{name}{seed}")
    paragraphs = [" ".join(chance.choices(NOUNS, k=30)) + "." for _ in range(3)]
    (folder / name).write_text(f"# {name} {seed}\n\n" + "\n\n".join(paragraphs))


def texts(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Return names and texts of notes for an index by itself."""
    chance = random.Random(seed)
    return [
        (f"note {number:04d}", " ".join(chance.choices(NOUNS, k=chance.randint(3, 40))))
        for number in range(count)
    ]


def behind(tmp_path: Path) -> Path:
    """Return a folder with an index that is a few changes behind."""
    folder = tmp_path / "before/docs"
    folder.mkdir(parents=True)
    for number in range(12):
        write(folder, f"note {number:02d}.md", 0)
    KnowledgeBase.open(folder, HashEmbedder()).update()
    for number in range(8, 20):
        write(folder, f"note {number:02d}.md", 1)
    (folder / "note 03.md").unlink()
    return folder


def manifest_of(base: KnowledgeBase) -> Manifest:
    """Return the manifest of an index that is there."""
    manifest = read_manifest(base.index)
    assert manifest
    return manifest


def content(docs: Path) -> dict[str, Any]:
    """Return all that an index holds, whatever its segments are."""
    index = KnowledgeBase.open(docs, HashEmbedder()).index
    held: dict[str, Any] = {}
    for segment in Store(docs=docs, folder=index).load().segments:
        for info, span in segment.documents():
            lines = list(segment.passages.lines(*span))
            held[info.source] = (info, lines, segment.vectors.run(*span).tobytes())
    return held


def copied(docs: Path, name: str) -> Path:
    """Return a copy of the folder and of its index."""
    target = docs.parent.parent / name
    shutil.copytree(docs.parent, target)
    return target / docs.name
