"""Searching: what is found first, odd queries, many equal documents, the tool's text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hash_embedder import HashEmbedder
from numpy.typing import NDArray

from bottega.errors import InputError, StorageError
from bottega.messages import Citation
from bottega.retriever import Retriever
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.phrases import quoted
from bottega_plugins.knowledge.search_knowledge import SearchKnowledge
from bottega_plugins.knowledge.words import words

TEXTS = {
    "loops.rst": "No: 201\nTitle: Lockstep Iteration\nStatus: Final\n\n"
    "Intro\n=====\n\nWalk together.\n",
    "other.rst": "No: 300\nTitle: Counting\nStatus: Draft\n\n"
    "See\n===\n\nLockstep iteration is older.\n",
    "status.md": "# What is the current status\n\nThe current status of the status is status.\n",
    "names.txt": "Call create_task in version 3.12 of the library.\n",
}


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return make_base(tmp_path, TEXTS)


def make_base(
    folder: Path, texts: dict[str, str], embedder: HashEmbedder | None = None
) -> KnowledgeBase:
    docs = folder / "docs"
    docs.mkdir()
    for name, text in texts.items():
        (docs / name).write_text(text, encoding="utf-8", newline="")
    base = KnowledgeBase.open(docs, embedder or HashEmbedder())
    base.update()
    return base


def search(base: KnowledgeBase, query: str, k: int = 5) -> list[Citation]:
    return base.search(query, k)


def test_a_knowledge_base_gives_a_retriever(base: KnowledgeBase) -> None:
    assert isinstance(base.retriever(), Retriever)


def test_a_citation_says_exactly_where_its_quote_stands(base: KnowledgeBase) -> None:
    first = search(base, "walk together")[0]
    text = TEXTS["loops.rst"]
    assert first.key == "loops.rst:8-8"
    assert first.source == "loops.rst"
    assert text[first.start : first.end] == first.quote == "Walk together."
    assert (first.line, first.end_line) == (8, 8)
    assert first.heading == "Lockstep Iteration > Intro"
    assert first.score > 0


@pytest.mark.parametrize(
    "query",
    [
        'What is the current status of the document "Lockstep Iteration"?',
        "What is the current status of the document “lockstep  iteration”?",
        "What is the status of lockstep iteration?",
    ],
)
def test_a_named_document_comes_first_with_its_header(base: KnowledgeBase, query: str) -> None:
    assert search(base, query)[0].key == "loops.rst:1-3"


def test_a_quoted_phrase_comes_before_what_is_only_like_it(base: KnowledgeBase) -> None:
    query = 'the current status: what is the status of "version 3.12"?'
    assert search(base, query)[0].source == "names.txt"


def test_quotes_within_quotes_are_one_phrase_too() -> None:
    assert quoted('the "Support for "wide" text"?') == [
        "Support for ",
        " text",
        'Support for "wide" text',
    ]
    assert quoted('nothing "" "?!"') == []


def test_words_are_folded_stemmed_and_parted() -> None:
    assert words("Creating TASKS: create_task, 3.12!") == ["creat", "task", "creat", "task", "3.12"]
    assert words("The of and") == []
    assert words("ﬁne ÉTÉ") == ["fine", "été"]


@pytest.mark.parametrize("k", [0, -1, -(10**9)])
def test_k_below_one_is_the_callers_mistake(base: KnowledgeBase, k: int) -> None:
    with pytest.raises(InputError, match=f"k is {k}"):
        search(base, "status", k)


def test_k_above_all_passages_returns_all(base: KnowledgeBase) -> None:
    assert len(search(base, "status", 10**6)) == 6
    assert len(search(base, "status", 1)) == 1


@pytest.mark.parametrize("query", ["", "  \n", "\t"])
def test_an_empty_query_is_the_callers_mistake(base: KnowledgeBase, query: str) -> None:
    with pytest.raises(InputError, match="the query is empty"):
        search(base, query)


@pytest.mark.parametrize(
    "query", ["\0", "\u202e", '"', '"""', "\ud800", "zzz " * 100_000, "?!", "日本語", '"zzz"']
)
def test_odd_queries_find_something_or_nothing(base: KnowledgeBase, query: str) -> None:
    assert len(search(base, query)) <= 5


class SickEmbedder(HashEmbedder):
    """Returns what no embedder should, for texts that ask for it."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = await super().embed(texts)
        for row, text in zip(rows, texts, strict=True):
            if "sick" in text:
                row[:] = np.nan
        return rows


def test_vectors_that_are_not_numbers_leave_the_words(tmp_path: Path) -> None:
    base = make_base(tmp_path, {**TEXTS, "sick.txt": "A sick text about frogs."}, SickEmbedder())
    assert search(base, "frogs")[0].source == "sick.txt"
    assert search(base, "a sick query about version")[0].source == "sick.txt"
    assert all(citation.score == citation.score for citation in search(base, "sick"))


class ShortEmbedder(HashEmbedder):
    """Returns vectors of another length than it says."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return (await super().embed(texts))[:, :-1]


def test_vectors_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="returned vectors of shape"):
        make_base(tmp_path, TEXTS, ShortEmbedder())


def test_a_thousand_equal_documents_take_one_place(tmp_path: Path) -> None:
    texts = {f"copy{number:04d}.txt": "Frogs are green. Frogs jump." for number in range(1_500)}
    base = make_base(tmp_path, {**texts, "other.txt": "Toads are brown, unlike frogs."})
    found = search(base, "frogs")
    assert len(found) == 2
    assert found[0].source.startswith("copy")
    assert found[1].source == "other.txt"


def test_odd_documents_are_found_as_they_are(tmp_path: Path) -> None:
    texts = {
        "bidi.txt": "Safe \u202egnp.exe\u202c frogs [fake.txt:1-1]",
        "nul.txt": "A NUL \0 and an \x1b[31mescape about toads",
        "windows.txt": "Title: Newts\r\nKind: amphibian\r\n\r\nNewts swim.\r\n",
    }
    base = make_base(tmp_path, texts)
    for name, word in (("bidi.txt", "frogs"), ("nul.txt", "toads"), ("windows.txt", "swim")):
        first = search(base, word)[0]
        assert first.source == name
        assert first.quote == texts[name][first.start : first.end]


def test_searching_leaves_the_event_loop_free(tmp_path: Path) -> None:
    text = "\n\n".join(f"Paragraph {n} speaks of frogs and word{n % 97}." for n in range(4_000))
    base = make_base(tmp_path, {"long.txt": text})

    async def beats() -> float:
        longest, last = 0.0, time.perf_counter()
        searching = asyncio.gather(*(base.asearch(f"word{n} frogs") for n in range(20)))
        while not searching.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        await searching
        return longest

    assert asyncio.run(beats()) < 2


def test_the_tool_prints_passages_by_key(base: KnowledgeBase) -> None:
    tool = SearchKnowledge(base.retriever())
    output = asyncio.run(tool.run("walk together", 2))
    assert output.content.startswith(
        "[loops.rst:8-8] Lockstep Iteration > Intro\nWalk together.\n\n["
    )
    assert output.citations[0].key == "loops.rst:8-8"
    assert len(output.citations) == 2


def test_the_tool_says_what_it_is(base: KnowledgeBase) -> None:
    tool = SearchKnowledge(base.retriever())
    assert (tool.spec.name, tool.effects, tool.trust) == ("search_knowledge", "none", "untrusted")
    assert tool.permissions == {"files:read"}
    assert tool.spec.parameters["required"] == ["query"]
    assert set(tool.spec.parameters["properties"]) == {"query", "k"}
    assert "double quotes" in tool.spec.description


def test_the_tool_says_when_nothing_is_found(tmp_path: Path) -> None:
    output = asyncio.run(SearchKnowledge(make_base(tmp_path, {}).retriever()).run("frogs"))
    assert (output.content, output.citations) == ("nothing found", ())


def test_the_tool_hides_what_could_steer_a_terminal(tmp_path: Path) -> None:
    texts = {"odd.txt": "Frogs\x1b[31m \u202ered\u202c\0 and\u200b \U000e0041quiet"}
    output = asyncio.run(SearchKnowledge(make_base(tmp_path, texts).retriever()).run("frogs"))
    assert output.content == "[odd.txt:1-1] odd.txt\nFrogs[31m red and quiet"
    assert output.citations[0].quote == texts["odd.txt"]


def test_a_refused_call_of_the_tool_is_an_input_error(base: KnowledgeBase) -> None:
    with pytest.raises(InputError, match="k is 0"):
        asyncio.run(SearchKnowledge(base.retriever()).run("frogs", 0))
