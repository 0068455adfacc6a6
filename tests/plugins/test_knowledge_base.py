"""A knowledge base by program: adding, deleting, ways of searching, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from amphibians import DOCUMENTS, sources
from hash_embedder import HashEmbedder, Hashing

from bottega.errors import InputError, StorageError, UnknownNameError
from bottega.plugin.manager import PluginManager
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.index.progress import Progress
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add(DOCUMENTS)
    return base


def test_documents_come_as_objects_pairs_and_mappings(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    report = base.add(
        [
            Document(source="one", content="Frogs are green."),
            ("two", "Toads are brown."),
            {"source": "three", "content": b"Newts swim.", "title": "On newts"},
        ]
    )
    assert (report.added, report.documents, report.chunks, report.embedded) == (3, 3, 3, 3)
    (first, *_) = base.search("newts")
    assert (first.source, first.heading, first.metadata["title"]) == ("three", *["On newts"] * 2)
    assert base.add(Document(source="four", content="Efts, too.")).added == 1
    assert base.add(("five", "Axolotls.")).added == 1


def test_an_index_by_itself_is_opened_again(base: KnowledgeBase) -> None:
    again = KnowledgeBase.open(base.path, HashEmbedder())
    assert (again.docs, again.index, again.exists()) == (None, base.path, True)
    assert [each.source for each in again.documents()] == ["frogs.md", "toads.md", "newts.txt"]
    assert next(again.documents()).metadata == DOCUMENTS[0]["metadata"]


def test_documents_are_taken_one_by_one(tmp_path: Path) -> None:
    held: list[int] = []

    def many() -> Iterator[tuple[str, str]]:
        for number in range(3_000):
            held.append(number)
            yield f"note {number}", f"Note {number} speaks of word{number}."

    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    seen: list[int] = []
    base.add(many(), lambda progress: seen.append(len(held)) if progress.done else None)
    assert seen[0] < 3_000, "some were written before all were there"
    assert base.search("word2999")[0].source == "note 2999"


def test_documents_come_from_an_async_iterator_too(tmp_path: Path) -> None:
    async def stream() -> AsyncIterator[Document]:
        for number in range(3):
            await asyncio.sleep(0)
            yield Document(source=f"{number}", content=f"Frog number {number}.")

    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())

    async def whole() -> list[str]:
        await base.aadd(stream())
        found = await base.asearch("frog number 2")
        assert await base.adelete("1") == 1
        return [citation.source for citation in found]

    assert asyncio.run(whole())[0] == "2"
    assert sources(base, "frog") == {"0", "2"}


def test_plain_methods_work_inside_a_running_loop(base: KnowledgeBase) -> None:
    async def inside() -> set[str]:
        base.add(("efts", "Efts are young newts."))
        return {citation.source for citation in base.search("efts")}

    assert "efts" in asyncio.run(inside())


def test_the_same_source_replaces_and_equal_documents_cost_nothing(base: KnowledgeBase) -> None:
    report = base.add(DOCUMENTS)
    assert (report.unchanged, report.added, report.changed, report.embedded) == (3, 0, 0, 0)
    assert report.nothing_to_do
    report = base.add([{**DOCUMENTS[1], "metadata": {"year": 1999}}])
    assert (report.changed, report.embedded, report.documents) == (1, 0, 3)
    assert sources(base, filters={"year": 1999}) == {"toads.md"}
    base.add([("frogs.md", "Nothing any more."), ("frogs.md", "Frogs are blue.")])
    assert [c.quote for c in base.search("frogs", 9) if c.source == "frogs.md"] == [
        "Frogs are blue."
    ]


def test_deleted_documents_are_gone(base: KnowledgeBase) -> None:
    assert base.delete("frogs.md") == 1
    assert base.delete(["frogs.md", "unknown"]) == 0
    assert sources(base) == {"toads.md", "newts.txt"}
    assert base.delete(each.source for each in base.documents()) == 2
    assert base.search("frogs") == []
    assert list(base.documents()) == []
    assert base.add(("back", "Frogs are back.")).documents == 1
    assert sources(base) == {"back"}


def test_a_document_that_cannot_be_read_is_skipped_and_named(base: KnowledgeBase) -> None:
    report = base.add([("blank", " \n "), ("binary", bytes(range(256)) * 9), ("good", "Frogs!")])
    assert report.added == 1
    assert {each.source: each.reason for each in report.skipped} == {
        "blank": "only blank space",
        "binary": "binary data",
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a text", "a document cannot be made of str"),
        (["a text"], "a document cannot be made of str"),
        (3, "a document cannot be made of int"),
        ([("a", "b", "c")], "a pair of source and text, not 3 things"),
        ([{"content": "a"}], "a document without 'source'"),
        ([{"source": "a", "content": "b", "metdata": {}}], "no field 'metdata'"),
        ([("", "b")], "source of a document must be a text"),
        ([(3, "b")], "source of a document must be a text"),
        ([("a", 3)], "content of 'a' must be a text or bytes, not int"),
        ([("\ud800", "b")], "no valid text"),
        ([Document(source="a", content="b", metadata={"x": object()})], "is no JSON"),
        ([{"source": "a", "content": "b", "metadata": 3}], "must be a mapping"),
    ],
)
def test_what_is_no_document_is_the_callers_mistake(
    base: KnowledgeBase, given: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        base.add(given)
    assert sources(base) == {"frogs.md", "toads.md", "newts.txt"}


def test_an_iterator_that_fails_changes_nothing(base: KnowledgeBase) -> None:
    def failing() -> Iterator[tuple[str, str]]:
        yield "efts", "Efts are young newts."
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        base.add(failing())
    assert "efts" not in sources(base, "efts")
    assert len(list(base.index.glob("segment-*"))) == 1, "what was written is gone"
    assert base.add(("efts", "Efts are young newts.")).added == 1


def test_modes_search_by_words_or_by_vectors_alone(base: KnowledgeBase) -> None:
    by_words = base.search("walk", search=Search(mode="words"))
    assert [citation.source for citation in by_words] == ["toads.md"]
    assert len(base.search("walk", search=Search(mode="vectors"))) == 4
    with pytest.raises(InputError, match="unknown mode 'fast'"):
        Search(mode="fast")  # type: ignore[arg-type]


def test_exact_phrases_must_stand_in_the_passage(base: KnowledgeBase) -> None:
    assert sources(base, search=Search(exact=("green AND swim",))) == {"frogs.md"}
    assert sources(base, search=Search(exact=("swim green",))) == set()
    assert sources(base, search=Search(exact=("frogs", "brown"))) == {"toads.md"}
    found = sources(base, filters={"lang": "de"}, search=Search(exact=("brown",)))
    assert found == set()
    with pytest.raises(InputError, match="no word that is looked up"):
        base.search("frogs", search=Search(exact=("?!",)))


def test_diversity_prefers_what_is_different(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    alike = [(f"same{n}", f"Frogs are green and small and wet, said {n}.") for n in range(4)]
    base.add([*alike, ("other", "Where frogs live there is often a pond with reeds in it.")])
    plain = [citation.source for citation in base.search("frogs green small wet", 2)]
    varied = base.search("frogs green small wet", 2, search=Search(diversity=0.7))
    assert "other" not in plain
    assert [citation.source for citation in varied][1] == "other"
    with pytest.raises(InputError, match="diversity is 2"):
        Search(diversity=2)


class Longest:
    """Prefers the longest text."""

    async def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        return [float(len(text)) for text in texts]


def test_a_reranker_has_the_last_word(base: KnowledgeBase) -> None:
    (first, *_) = base.search("flies", 1, search=Search(reranker=Longest()))
    assert first.quote.startswith("Toads are brown")


def test_a_retriever_searches_with_what_it_was_given(base: KnowledgeBase) -> None:
    retriever = base.retriever({"lang": "de"}, Search(mode="words"))
    assert [c.source for c in asyncio.run(retriever.search("frogs"))] == ["newts.txt"]


def test_added_documents_stay_when_the_folder_is_brought_in_line(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "frogs.txt").write_text("Frogs are green.")
    base = KnowledgeBase.open(docs, HashEmbedder())
    base.update()
    base.add(("toads", "Toads are brown."))
    assert base.update().nothing_to_do
    (docs / "frogs.txt").unlink()
    assert base.update().deleted == 1
    assert sources(base, "toads frogs") == {"toads"}


def test_added_documents_outlive_a_change_of_the_embedder(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "frogs.txt").write_text("Frogs are green.")
    old = KnowledgeBase.open(docs, HashEmbedder())
    old.update()
    old.add(("toads", "Toads are brown."))
    base = KnowledgeBase.open(docs, HashEmbedder(name="new", dimension=32))
    with pytest.raises(StorageError, match="was made with the embedder 'hash'"):
        base.add(("newts", "Newts swim."))
    report = base.update()
    assert (report.added, report.documents, report.embedded) == (1, 2, 2)
    assert sources(base, "toads frogs") == {"toads", "frogs.txt"}


def test_a_closed_base_opens_again_at_the_next_search(base: KnowledgeBase) -> None:
    with base:
        assert base.search("frogs")
    assert base.search("frogs")


def test_progress_of_a_stream_has_no_total(tmp_path: Path) -> None:
    seen: list[Progress] = []
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add(DOCUMENTS, seen.append)
    assert {each.total for each in seen if each.stage == "embed"} == {0}
    assert seen[-1] == Progress(stage="save", done=1, total=1)


def test_an_index_by_itself_has_nothing_to_update(base: KnowledgeBase) -> None:
    with pytest.raises(InputError, match="is no folder of documents"):
        base.update()


def test_deleting_from_no_index_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        KnowledgeBase.open(tmp_path / "none", HashEmbedder()).delete("x")


def test_an_embedder_is_named(tmp_path: Path) -> None:
    plugins = PluginManager()
    plugins.register(Hashing("hashes"), "hashing")
    base = KnowledgeBase.open(tmp_path / "base", "hashes", plugins=plugins)
    assert base.add(("a", "Frogs.")).added == 1
    with pytest.raises(UnknownNameError, match="unknown embedder 'hash'"):
        KnowledgeBase.open(tmp_path / "base", "hash", plugins=plugins)
