"""What an index withstands while it is searched: damage, odd documents, files of other makers."""

from __future__ import annotations

import os
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
from hash_embedder import HashEmbedder
from pond import NOUNS

from bottega.errors import InputError, StorageError
from bottega_plugins.knowledge.index import store
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search


def test_a_flipped_byte_is_found_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_SMALL", 0)  # nothing is verified but what is touched
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    chance = random.Random(5)
    base.add((f"note {n}", " ".join(chance.choices(NOUNS, k=60))) for n in range(400))
    base.delete("note 7")
    queries = ("frog of the pond", "moss", "note 9", 'a "reed stone"')
    right = [base.search(query) for query in queries]
    files = sorted(path for path in base.index.glob("segment-*/*"))
    assert len(files) == 10
    unnoticed = 0
    for path in files:
        size = path.stat().st_size
        for place in {0, size - 1, size // 2, *(chance.randrange(size) for _ in range(3))}:
            with Flipped(path, place):
                fresh = KnowledgeBase.open(base.path, HashEmbedder())
                for query, expected in zip(queries, right, strict=True):
                    try:
                        assert fresh.search(query) == expected
                        unnoticed += 1
                    except StorageError as error:
                        assert str(path) in error.message
                        assert error.hint
                with pytest.raises(StorageError) as caught:
                    fresh.verify()
                assert str(path) in caught.value.message
    assert unnoticed, "what is not touched is not read"
    assert KnowledgeBase.open(base.path, HashEmbedder()).search(queries[0]) == right[0]


class Flipped:
    """A file with one bit flipped, for a while."""

    def __init__(self, path: Path, place: int) -> None:
        self._path = path
        self._place = place

    def _flip(self) -> None:
        with self._path.open("r+b") as file:
            file.seek(self._place)
            byte = file.read(1)[0]
            file.seek(self._place)
            file.write(bytes([byte ^ 4]))

    def __enter__(self) -> None:
        self._flip()

    def __exit__(self, *_: object) -> None:
        self._flip()


def test_a_file_cut_short_while_it_is_in_use_is_an_error_and_no_crash(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add((f"note {n}", f"frog {n} of the pond") for n in range(200))
    assert base.search("frog")
    for path in base.index.glob("segment-*/*"):
        whole = path.read_bytes()
        os.truncate(path, len(whole) // 2)
        try:
            base.search("frog 77", 50)
        except StorageError as error:
            assert str(path) in error.message
        path.write_bytes(whole)
    assert base.search("frog 77")[0].source == "note 77"


def test_ten_thousand_equal_documents_take_one_place(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    base = KnowledgeBase.open(tmp_path / "base", embedder)
    same = ({"source": f"copy {n:05d}", "content": "Frogs.", "title": "F"} for n in range(10_000))
    report = base.add([*same, ("other", "Toads, unlike frogs.")])
    assert (report.added, report.embedded) == (10_001, 2), "equal texts are embedded once"
    found = base.search("frogs", 5)
    assert [citation.source for citation in found] == ["copy 00000", "other"]


def test_a_deleted_document_is_found_by_nothing(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add((f"note {n}", f"frog number{n}") for n in range(30))
    base.delete("note 9")
    for mode in ("words", "vectors", "hybrid"):
        how = Search(mode=mode)  # type: ignore[arg-type]
        assert all(c.source != "note 9" for c in base.search("frog number9", 30, search=how))
    everything = base.search("frog number9", 100, search=Search(mode="vectors"))
    assert len(everything) == 29
    assert base.search("frog", filters={"source": "note 9"}) == []
    assert base.search('"note 9"', search=Search(exact=("number9",))) == []


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self._path, "unpickled")


def test_a_pickle_lying_there_is_never_read(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    data = pickle.dumps(Trap(sprung))
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "frogs.txt").write_text("Frogs are green.")
    base = KnowledgeBase.open(docs, HashEmbedder())
    base.update()
    (segment,) = base.index.glob("segment-*")
    for folder in (docs, base.index, segment):
        for name in ("docstore.pkl", "index.pkl", "words.npy", "vectors.pickle"):
            (folder / name).write_bytes(data)
    report = base.update()
    assert {each.source for each in report.skipped} >= {"docstore.pkl", "index.pkl"}
    assert KnowledgeBase.open(docs, HashEmbedder()).search("frogs")[0].source == "frogs.txt"
    assert not sprung.exists()
    pickle.loads(data)
    assert sprung.exists(), "the trap works"


@pytest.mark.parametrize("k", [0, -1])
def test_an_empty_index_and_an_impossible_k(tmp_path: Path, k: int) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add([])
    assert base.search("frogs") == []
    with pytest.raises(InputError, match=f"k is {k}"):
        base.search("frogs", k)
