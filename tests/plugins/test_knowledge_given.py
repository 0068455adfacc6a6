"""What programs give to a knowledge base: twice the same, in parallel, and what is no document."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from hash_embedder import HashEmbedder

from bottega.errors import InputError
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.index import intake
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add(("a", "one frog"))
    return base


def quotes(base: KnowledgeBase) -> list[str]:
    return [citation.quote for citation in base.search("one two frog", 9)]


def test_the_last_one_given_wins_also_when_the_index_has_it(base: KnowledgeBase) -> None:
    report = base.add([("a", "two frogs"), ("a", "one frog")])
    assert quotes(base) == ["one frog"]
    assert (report.added, report.changed, report.unchanged, report.documents) == (0, 1, 0, 1)
    report = base.add([("a", "one frog"), ("a", "two frogs")])
    assert quotes(base) == ["two frogs"]
    assert (report.added, report.changed, report.unchanged, report.documents) == (0, 1, 0, 1)


def test_one_source_given_twice_counts_once(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "new", HashEmbedder())
    report = base.add([("a", "two frogs"), ("b", "a newt"), ("a", "one frog")])
    assert (report.added, report.changed, report.documents) == (2, 0, 2)
    assert "two frogs" not in quotes(base)


def test_a_file_of_the_name_of_an_added_document_counts_when_all_is_made_anew(
    tmp_path: Path,
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    old = KnowledgeBase.open(docs, HashEmbedder(name="old"))
    old.add(("frogs.txt", "Frogs are blue."))
    (docs / "frogs.txt").write_text("Frogs are green.")
    report = KnowledgeBase.open(docs, HashEmbedder()).update()
    assert (report.added, report.changed, report.documents) == (1, 0, 1)


def test_files_are_read_several_at_once_and_kept_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(30):
        (docs / f"{number:02d}.txt").write_text("" if number == 7 else f"Frog {number}.")
    base = KnowledgeBase.open(docs, HashEmbedder())
    now, most, cut = 0, 0, intake.Intake._cut  # pyright: ignore[reportPrivateUsage]

    async def counted(self: intake.Intake, *given: Any) -> Any:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            await asyncio.sleep(0.002 if now % 2 else 0)
            return await cut(self, *given)
        finally:
            now -= 1

    monkeypatch.setattr(intake.Intake, "_cut", counted)
    report = base.update()
    assert 1 < most <= 4
    assert [each.source for each in report.skipped] == ["07.txt"]
    expected = [f"{number:02d}.txt" for number in range(30) if number != 7]
    assert [each.source for each in base.documents()] == expected


def test_a_failing_embedder_leaves_no_reading_behind(tmp_path: Path) -> None:
    class Failing(HashEmbedder):
        async def embed(self, texts: Any) -> Any:
            raise OSError("no embedder")

    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(30):
        (docs / f"{number}.txt").write_text(f"{os.urandom(4).hex()} " * 20_000)

    async def tasks_after() -> int:
        with pytest.raises(OSError, match="no embedder"):
            await KnowledgeBase.open(docs, Failing()).aupdate()
        return len(asyncio.all_tasks())

    assert asyncio.run(tasks_after()) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"metadata": {1: "x"}}, r"metadata of 'm' has the field 1, .* int"),
        ({"metadata": {None: "x"}}, r"metadata of 'm' has the field None"),
        ({"metadata": {"a": [{"b": {2: "x"}}]}}, r"metadata of 'm' has the field 2"),
        ({"metadata": ["x"]}, r"metadata of 'm' must be a mapping, not list"),
        ({"title": 5}, r"title of 'm' must be a text, not int"),
        ({"title": None}, r"title of 'm' must be a text, not NoneType"),
        ({"format": 5}, r"format of 'm' must be a text, not int"),
    ],
)
def test_fields_of_another_kind_are_named(
    base: KnowledgeBase, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        base.add({"source": "m", "content": "x y", **given})
    with pytest.raises(InputError, match=told):
        base.add(Document(source="m", content="x y", **given))


@pytest.mark.parametrize("name", ["source", "title", "format", "heading", "page", "line"])
def test_metadata_with_the_name_of_an_own_field_are_refused(tmp_path: Path, name: str) -> None:
    embedder = HashEmbedder()
    base = KnowledgeBase.open(tmp_path / "new", embedder)
    bad = {"source": "m", "content": "x y", "title": "T", "metadata": {"year": 1, name: "other"}}
    with pytest.raises(InputError, match=f"metadata of 'm' has the field '{name}'") as caught:
        base.add([("a", "one frog"), bad])
    assert "format, heading, line, page, source, title" in caught.value.hint
    assert embedder.embedded == 0


def test_a_title_in_the_metadata_is_the_title(base: KnowledgeBase) -> None:
    told = {"source": "m", "title": "Newts", "page": None, "year": 1}
    base.add({"source": "m", "content": "A newt swims.", "metadata": told})
    (found,) = base.search("newt", 9, {"title": "Newts", "source": "m", "year": 1})
    assert found.heading == "Newts"
    assert found.metadata == {"year": 1, "title": "Newts", "format": "text"}


def test_filters_reach_what_front_matter_says(base: KnowledgeBase) -> None:
    text = "---\ntitle: T\nsource: a book\nversion: 3.10\nyear: 2020\n---\nA newt swims.\n"
    base.add(("newts.md", text))
    for wanted in (
        {"header.source": "a book"},
        {"version": "3.10"},
        {"year": {"gte": 2020}},
        {"title": "T"},
    ):
        assert {found.source for found in base.search("newt", 9, wanted)} == {"newts.md"}, wanted


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"query": None}, r"query must be a text, not NoneType"),
        ({"k": 2.5}, r"k must be a whole number, not 2\.5"),
        ({"k": "5"}, r"k must be a whole number, not '5'"),
        ({"k": True}, r"k must be a whole number, not True"),
        ({"filters": ["a"]}, r"filters must be a mapping .*, not list"),
        (
            {"filters": {"source": {"exists": "false"}}},
            r"'exists' takes true or false, not 'false'",
        ),
        ({"search": "words"}, r"search must be a Search, not str"),
    ],
)
def test_questions_of_another_kind_are_named(
    base: KnowledgeBase, given: dict[str, Any], told: str
) -> None:
    asked: dict[str, Any] = {"query": "frog", **given}
    with pytest.raises(InputError, match=told):
        base.search(**asked)


@pytest.mark.parametrize("diversity", ["much", None, float("nan"), 2, -0.1])
def test_diversity_is_a_number_from_0_to_1(diversity: Any) -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        Search(diversity=diversity)


@pytest.mark.parametrize("sources", [5, None, [5], [None]])
def test_sources_to_delete_are_texts(base: KnowledgeBase, sources: Any) -> None:
    with pytest.raises(InputError, match="sources"):
        base.delete(sources)


def test_a_web_project_with_a_manifest_is_a_folder_of_documents(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "manifest.json").write_text('{"name": "Roses", "display": "standalone"}')
    (tmp_path / "site" / "roses.md").write_text("Roses want sun.")
    base = KnowledgeBase.open(tmp_path / "site", HashEmbedder())
    assert base.docs == tmp_path / "site"
    assert base.update().documents == 2
    assert base.search("roses sun", 1)[0].source == "roses.md"
