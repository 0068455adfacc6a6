"""Damage to an index: what an update finds, what it saves, and what it says is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder

from bottega.errors import StorageError
from bottega_plugins.knowledge.index import store
from bottega_plugins.knowledge.index.checked_file import CheckedFile
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


@pytest.fixture
def large(docs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, its segment being verified as large ones are: where it is touched."""
    monkeypatch.setattr(store, "_SMALL", 0)
    return docs


def compared(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return a set that gets the names of the files that are compared with their digests."""
    names: set[str] = set()
    really = CheckedFile._compare

    def comparing(self: CheckedFile, first: int, data: memoryview) -> None:
        names.add(self.path.name)
        really(self, first, data)

    monkeypatch.setattr(CheckedFile, "_compare", comparing)
    return names


def test_an_update_compares_no_more_than_the_catalogue(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = compared(monkeypatch)
    assert opened(large).update().nothing_to_do
    assert names == {"catalogue.sqlite"}
    (large / "note 99.txt").write_text("Note 99 speaks of newts.")
    names.clear()
    assert opened(large).update().added == 1
    assert names == {"catalogue.sqlite"}, "what the old segment has is not touched"


def test_an_update_sees_a_file_of_another_length_and_a_damaged_catalogue(large: Path) -> None:
    for name, damage, documents, embedded in (
        ("vectors.faiss", cut, 41, 41),
        ("words.scores", Path.unlink, 41, 0),
        ("catalogue.sqlite", flip, 40, 40),
    ):
        (victim,) = only_segment(large).glob(name)
        damage(victim)
        report = opened(large).update()
        assert name in report.rebuilt
        assert (report.documents, report.embedded) == (documents, embedded)
        opened(large).verify()


@pytest.mark.parametrize("name", ["vectors.faiss", "words.scores", "passages.jsonl"])
@pytest.mark.parametrize("seen_by", ["search", "verify", "repair"])
def test_damage_to_a_large_segment_is_repaired_by_an_update_once_it_was_seen(
    large: Path, monkeypatch: pytest.MonkeyPatch, name: str, seen_by: str
) -> None:
    flip(only_segment(large) / name)
    assert opened(large).update().nothing_to_do, "an update touches nothing of it"
    if seen_by == "repair":
        report = opened(large).repair()
    else:
        with pytest.raises(StorageError, match=name) as caught:
            opened(large).verify() if seen_by == "verify" else opened(large).search("note 7 frogs")
        assert caught.value.hint == f"run: bottega index {large}"
        report = opened(large).update()
    assert name in report.rebuilt
    assert not report.nothing_to_do
    opened(large).verify()
    assert opened(large).search("note 7 frogs")[0].source == "note 07.txt"
    names = compared(monkeypatch)
    assert opened(large).update().nothing_to_do
    assert names == {"catalogue.sqlite"}, "the suspicion is gone"


def test_a_suspicion_without_damage_costs_one_look(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = only_segment(large) / "vectors.faiss"
    flip(victim)
    with pytest.raises(StorageError):
        opened(large).verify()
    flip(victim)
    names = compared(monkeypatch)
    assert opened(large).update().nothing_to_do
    assert "vectors.faiss" in names
    names.clear()
    assert opened(large).update().nothing_to_do
    assert names == {"catalogue.sqlite"}


@pytest.mark.parametrize("name", ["vectors.faiss", "words.scores", "words.lengths"])
def test_a_merge_never_carries_damage_into_a_new_segment(large: Path, name: str) -> None:
    folder = only_segment(large)
    flip(folder / name)
    for number in range(40):
        (large / f"newt {number:02d}.txt").write_text(f"Newt {number} swims.")
    report = opened(large).update()
    assert (report.added, report.rebuilt) == (40, ""), "what was asked for is done"
    assert folder.is_dir(), "and no merge"
    with pytest.raises(StorageError, match=f"{folder.name}/{name}"):
        opened(large).verify()
    assert f"{folder.name}/{name}" in opened(large).update().rebuilt
    assert not folder.exists()
    opened(large).verify()
    assert opened(large).search("note 7 frogs")[0].source == "note 07.txt"


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
    assert report.rebuilt.endswith("what programs added is lost: extra")
    assert [each.source for each in report.skipped] == ["extra"]
    assert "passages.jsonl is damaged" in report.skipped[0].reason


def test_what_has_lost_its_name_is_said(docs: Path) -> None:
    folder = only_segment(docs)
    flip(folder / "catalogue.sqlite")
    report = opened(docs).update()
    assert report.documents == 40
    lost = f"what programs added is lost where it was in {folder.name} (of 41 documents)"
    assert report.rebuilt.endswith(lost)


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
