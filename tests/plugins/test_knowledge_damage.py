"""Damage to an index: what an update finds, what it saves, and what it says is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder

from bottega.errors import StorageError
from bottega_plugins.knowledge.index import store
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with an index to which a program has added a document."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(40):
        (folder / f"note {number:02d}.txt").write_text(f"Note {number} speaks of frogs.")
    base = KnowledgeBase.open(folder, HashEmbedder())
    base.add(("extra", "An extra toad."))
    base.update()
    return folder


def opened(docs: Path) -> KnowledgeBase:
    return KnowledgeBase.open(docs, HashEmbedder())


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def only_segment(docs: Path) -> Path:
    (folder,) = opened(docs).index.glob("segment-*")
    return folder


def test_an_index_whose_first_documents_fail_is_still_one(tmp_path: Path) -> None:
    base = opened(tmp_path / "base")
    with pytest.raises(StorageError, match="gone"):
        base.add(_failing())
    again = opened(tmp_path / "base")
    assert (again.docs, again.index) == (None, base.path)
    assert again.add(("frogs", "Frogs are green.")).added == 1


def _failing() -> Iterator[tuple[str, str]]:
    yield "frogs", "Frogs are green."
    raise StorageError("gone")


@pytest.mark.parametrize("name", ["vectors.faiss", "catalogue.sqlite", "words.scores"])
def test_damage_to_a_large_segment_is_repaired_by_an_update(
    docs: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(store, "_SMALL", 0)  # nothing is verified when it is opened
    (victim,) = only_segment(docs).glob(name)
    flip(victim)
    report = opened(docs).update()
    assert name in report.rebuilt
    assert not report.nothing_to_do
    opened(docs).verify()
    assert opened(docs).search("note 7 frogs")[0].source == "note 07.txt"


def test_added_documents_are_saved_when_their_vectors_are_damaged(docs: Path) -> None:
    flip(only_segment(docs) / "vectors.faiss")
    report = opened(docs).update()
    assert (report.documents, "lost" in report.rebuilt) == (41, False)
    assert opened(docs).search("extra toad")[0].source == "extra"


@pytest.mark.parametrize("damage", [flip, Path.unlink, cut])
def test_added_documents_are_saved_when_the_manifest_is_damaged(
    docs: Path, damage: Callable[[Path], object]
) -> None:
    damage(opened(docs).index / "manifest.json")
    report = opened(docs).update()
    assert (report.documents, report.embedded, "lost" in report.rebuilt) == (41, 0, False)
    assert opened(docs).search("extra toad")[0].source == "extra"


def test_what_cannot_be_saved_is_said(docs: Path) -> None:
    folder = only_segment(docs)
    flip(folder / "passages.jsonl")
    report = opened(docs).update()
    assert report.documents == 40
    assert f"what programs added is lost where it was in {folder.name}" in report.rebuilt


def test_two_damaged_manifests_are_said_to_lose_what_was_added(docs: Path) -> None:
    for name in ("manifest.json", "manifest.copy.json"):
        flip(opened(docs).index / name)
    report = opened(docs).update()
    assert report.documents == 40
    assert "what programs added to it is lost" in report.rebuilt


def test_adding_to_a_damaged_index_says_what_to_do(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_SMALL", 0)
    flip(only_segment(docs) / "catalogue.sqlite")
    with pytest.raises(StorageError, match=r"catalogue\.sqlite is damaged") as caught:
        opened(docs).add(("extra", "Another toad."))
    assert caught.value.hint == f"run: bottega index {docs}"
