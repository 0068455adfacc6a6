"""An index by itself that is damaged: it is made anew from what is whole, and the rest is named."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hash_embedder import HashEmbedder

from bottega.errors import InputError, StorageError
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

MANY = 300


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An index in one segment, with passages in several blocks and a document deleted."""
    base = opened(tmp_path / "base")
    texts = (f"Note {number} speaks of word{number} and of frogs." for number in range(MANY))
    base.add((f"note {number:03d}", text) for number, text in enumerate(texts))
    base.delete("note 100")
    return base.path


def opened(path: Path, embedder: HashEmbedder | None = None) -> KnowledgeBase:
    return KnowledgeBase.open(path, embedder or HashEmbedder())


def segment(path: Path) -> Path:
    (folder,) = path.glob("segment-*")
    return folder


def names(path: Path) -> list[str]:
    base = opened(path)
    base.verify()
    return [document.source for document in base.documents()]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


ALL = [f"note {number:03d}" for number in range(MANY) if number != 100]
DAMAGE: list[Callable[[Path], object]] = [flip, cut, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    ("name", "embedded"),
    [
        ("vectors.faiss", True),
        ("words.scores", False),
        ("words.starts", False),
        ("blocks.sha256", False),
    ],
)
def test_what_can_be_made_again_costs_no_document(
    path: Path, name: str, embedded: bool, damage: Callable[[Path], object]
) -> None:
    damage(segment(path) / name)
    with pytest.raises(StorageError, match=name) as caught:
        opened(path).add(("more", "Toads."))
    assert "KnowledgeBase.repair()" in caught.value.hint
    report = opened(path).repair()
    assert name in report.rebuilt
    assert (report.documents, report.skipped, "lost" in report.rebuilt) == (MANY - 1, (), False)
    assert (report.embedded > 0) == embedded
    assert names(path) == ALL
    assert opened(path).search("word77")[0].source == "note 077"
    assert opened(path).add(("more", "Toads.")).added == 1


def test_documents_are_lost_where_their_passages_are_damaged_and_named(path: Path) -> None:
    flip(segment(path) / "passages.jsonl")
    report = opened(path).repair()
    lost = [each.source for each in report.skipped]
    assert 1 <= len(lost) < MANY / 2, "a block of 8 KB and who else stands in it"
    assert all("passages.jsonl is damaged" in each.reason for each in report.skipped)
    assert f"what programs added is lost: {', '.join(lost[:5])} and" in report.rebuilt
    assert names(path) == [name for name in ALL if name not in lost]
    assert report.embedded == 0


@pytest.mark.parametrize("name", ["passages.jsonl", "passages.offsets", "catalogue.sqlite"])
def test_without_any_passages_or_names_an_empty_index_is_left(path: Path, name: str) -> None:
    (segment(path) / name).unlink()
    report = opened(path).repair()
    assert report.documents == 0
    if name == "catalogue.sqlite":
        assert f"(of {MANY - 1} documents)" in report.rebuilt
    else:
        assert [each.source for each in report.skipped] == ALL
    assert names(path) == []


def test_other_segments_are_whole(path: Path) -> None:
    damaged = segment(path)
    opened(path).add((f"more {number}", f"Toad {number}.") for number in range(20))
    flip(damaged / "catalogue.sqlite")
    report = opened(path).repair()
    assert report.documents == 20
    assert damaged.name in report.rebuilt
    assert opened(path).search("toad 7", 1)[0].source == "more 7"


def test_a_damaged_manifest_has_a_copy(path: Path) -> None:
    flip(path / "manifest.json")
    report = opened(path).repair()
    assert (report.documents, report.embedded) == (MANY - 1, 0)
    assert names(path) == ALL
    (path / "manifest.json").unlink()
    assert opened(path).repair().documents == MANY - 1


def test_when_nothing_can_be_saved_the_files_stay(path: Path) -> None:
    for name in ("manifest.json", "manifest.copy.json"):
        flip(path / name)
    with pytest.raises(StorageError, match="what programs added to it is lost") as caught:
        opened(path).repair()
    assert caught.value.hint == f"remove {path} and add the documents again"
    assert segment(path).is_dir()


def test_a_whole_index_is_left_as_it_is(path: Path) -> None:
    before = sorted(each.name for each in segment(path).iterdir())
    report = opened(path).repair()
    assert report.nothing_to_do
    assert report.documents == MANY - 1
    assert sorted(each.name for each in segment(path).iterdir()) == before


def test_another_embedder_gives_its_vectors(path: Path) -> None:
    other = HashEmbedder(name="other", dimension=32)
    with pytest.raises(StorageError, match="was made with the embedder 'hash'") as caught:
        opened(path, other).search("frogs")
    assert "repair()" in caught.value.hint
    report = opened(path, other).repair()
    assert (report.documents, report.embedded) == (MANY - 1, MANY - 1)
    assert opened(path, other).search("word77")[0].source == "note 077"


@pytest.mark.parametrize("name", ["manifest.json", "passages.jsonl", "vectors.faiss"])
@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES])
def test_what_cannot_be_read_just_now_is_not_taken_for_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    flip(segment(path) / "words.scores")

    def refusing(really: Callable[..., Any]) -> Callable[..., Any]:
        def opening(file: Any, *args: Any, **options: Any) -> Any:
            if Path(str(file)).name == name:
                raise OSError(number, os.strerror(number), str(file))
            return really(file, *args, **options)

        return opening

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refusing(os.open))
        patch.setattr(io, "open", refusing(io.open))
        with pytest.raises(StorageError, match=f"{name} cannot be read") as caught:
            opened(path).repair()
    assert caught.value.retryable
    assert segment(path).is_dir()
    assert opened(path).repair().documents == MANY - 1
    assert names(path) == ALL


def test_there_must_be_an_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        opened(tmp_path / "none").repair()
    assert not (tmp_path / "none").exists()
