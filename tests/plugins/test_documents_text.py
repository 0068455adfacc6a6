"""From bytes to passages: decoding, header blocks, headings, exact spans."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from document_reading import SPLITTER, read
from hypothesis import given
from hypothesis import strategies as st

from bottega_plugins.knowledge.documents.chunk import Chunk
from bottega_plugins.knowledge.documents.header import read_header
from bottega_plugins.knowledge.documents.plain_text import decode
from bottega_plugins.knowledge.documents.reader import DocumentReader
from bottega_plugins.knowledge.documents.skipped import SkippedError
from bottega_plugins.knowledge.documents.splitter import MOST_CHARACTERS, Splitter

PEPS = Path(__file__).parents[2] / "examples/peps"


def split(text: str, name: str = "notes.txt") -> tuple[Chunk, ...]:
    try:
        return read(text, name).chunks
    except SkippedError:
        return ()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("naïve".encode(), "naïve"),
        (b"\xef\xbb\xbfplain", "plain"),
        ("naïve".encode("utf-16"), "naïve"),
        ("naïve".encode("utf-32"), "naïve"),
        (b"\xfe\xff\x00h\x00i", "hi"),
        ("naïve café".encode("latin-1"), "naïve café"),
        (b"\x93quoted\x94", "“quoted”"),
        (b"one\r\ntwo\r\n", "one\r\ntwo\r\n"),
        (b"a NUL \0 in a text is kept", "a NUL \0 in a text is kept"),
        ("\u202ereversed".encode(), "\u202ereversed"),
    ],
)
def test_text_is_known_by_its_content(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", "binary"),
        (bytes(range(256)) * 4, "binary"),
        (b"\0" * 100, "binary"),
        (b"\xff\xfeh\0i", "broken utf-16"),
    ],
)
def test_what_is_no_text_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(SkippedError, match=reason):
        decode(data)


def test_header_block_gives_fields_and_title() -> None:
    header = read_header("PEP: 9\nTitle: Long\n  Title\nStatus:\n\nBody: no\n")
    assert header is not None
    assert header.fields == (("PEP", "9"), ("Title", "Long Title"), ("Status", ""))
    assert header.title == "Long Title"


def test_front_matter_of_markdown_is_a_header() -> None:
    text = '---\ntitle: "A guide"\ntags:\n  - one\n---\n# First\n'
    header = read_header(text)
    assert header is not None
    assert header.title == "A guide"
    assert text[header.end :] == "# First\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Just prose.\n",
        "Note: one line is prose\n\nMore.\n",
        "A: b\nnot a field\n\n",
        "A:b\nC:d\n",
    ],
)
def test_prose_has_no_header(text: str) -> None:
    assert read_header(text) is None


def test_title_comes_from_header_then_heading_then_file() -> None:
    assert read("Title: From header\n\nH\n====\n", "a.rst").title == "From header"
    assert read("# From heading\n\ntext\n", "a.md").title == "From heading"
    assert read("text without any\n", "folder/a.txt").title == "a.txt"


def test_headings_of_restructuredtext_nest_by_order_of_style() -> None:
    text = "====\nDoc\n====\n\nintro\n\nOne\n---\n\na\n\nTwo\n~~~\n\nb\n\nThree\n-----\n\nc\n"
    paths = [chunk.heading for chunk in split(text, "a.rst")]
    assert paths == ["", "One", "One > Two", "Three"]


def test_headings_of_markdown_but_not_in_code() -> None:
    text = "# Doc\n\nintro\n\n## One ##\n\n```\n# no heading\n```\n\nTwo\n---\n\n### Three\n\nc\n"
    assert [chunk.heading for chunk in split(text, "a.md")] == ["", "One", "Two > Three"]


def test_a_hash_is_no_heading_outside_markdown() -> None:
    assert [chunk.heading for chunk in split("# a comment\n\ntext\n", "a.txt")] == [""]


def test_a_heading_without_text_is_found_by_itself() -> None:
    texts = [chunk.text for chunk in split("# List\n\n## Milk\n\n## Bread\n", "a.md")]
    assert texts == ["## Milk", "## Bread"]


def test_header_block_is_one_passage_with_its_lines() -> None:
    text = (PEPS / "pep-0557.rst").read_text(encoding="utf-8")
    first = split(text, "pep-0557.rst")[0]
    assert first.key == "pep-0557.rst:1-9"
    assert first.text.splitlines()[1] == "Title: Data Classes"


def test_passages_of_the_examples_are_exact_and_cover_everything() -> None:
    for path in sorted(PEPS.glob("pep-0[3-5]*.rst"))[:25]:
        text = path.read_text(encoding="utf-8")
        lines = text.split("\n")
        chunks = split(text, path.name)
        assert len({chunk.key for chunk in chunks}) == len(chunks)
        for chunk in chunks:
            assert text[chunk.start : chunk.end] == chunk.text
            assert chunk.text in "\n".join(lines[chunk.line - 1 : chunk.end_line])
        left = "".join(text[a.end : b.start] for a, b in pairwise(chunks))
        words = [word for word in left.split() if len(set(word)) > 1]
        assert sum(map(len, words)) < 0.2 * len(text), "only headings are left out"


@given(
    st.text(alphabet="ab .\n\r=-#`:\t\0é\u202e", max_size=400), st.sampled_from(["x.md", "x.rst"])
)
def test_any_text_splits_to_exact_spans_in_order(text: str, name: str) -> None:
    end = 0
    for chunk in split(text, name):
        assert end <= chunk.start < chunk.end
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.line == text.count("\n", 0, chunk.start) + 1
        assert chunk.end_line == text.count("\n", 0, chunk.end) + 1
        end = chunk.end


@given(st.text(min_size=1, max_size=60))
def test_plain_prose_is_never_lost(text: str) -> None:
    prose = "".join(c for c in text if c.isalnum() or c == " ")
    assert "".join("".join(c.text.split()) for c in split(prose)) == "".join(prose.split())


def test_passages_fit_the_embedder() -> None:
    text = "\n\n".join("word " * 37 + "end." for _ in range(40))
    chunks = split(text)
    sizes = [len(SPLITTER.token_spans(chunk.text)) for chunk in chunks]
    assert max(sizes) <= 128
    assert min(sizes) > 30


def test_a_long_line_is_cut_to_passages() -> None:
    for text in ("word " * 300_000, "x" * 2_000_000, "\n" * 5_000_000):
        chunks = split(text)
        assert all(len(chunk.text) <= MOST_CHARACTERS for chunk in chunks)
        assert len({chunk.key for chunk in chunks}) == len(chunks)


def test_passages_overlap_only_where_a_line_had_to_be_cut() -> None:
    endless = split("word " * 600)
    assert all(a.end - 200 < b.start < a.end for a, b in pairwise(endless))
    sentences = split("A sentence of some words. " * 120)
    assert len(sentences) > 3
    assert all(a.end < b.start for a, b in pairwise(sentences))
    assert all(chunk.text.endswith(".") for chunk in sentences)


def test_passages_that_share_lines_have_keys_of_their_own() -> None:
    keys = [chunk.key for chunk in split("word " * 300)]
    assert keys[0] == "notes.txt:1-1@0"
    assert len(set(keys)) == len(keys) > 1


def test_keys_can_stand_between_brackets() -> None:
    names = ["a[1].txt", "b;c.txt", "new\nline.txt", "\u202etxt.exe", "d" * 400]
    keys = [split("text", name)[0].key for name in names]
    assert keys[0] == "a%5B1%5D.txt:1-1"
    for key in keys:
        assert len(key) < 300
        assert not set(key) & set("[];\n\u202e")


def test_another_way_of_cutting_has_another_version() -> None:
    versions = {
        DocumentReader(Splitter(token_spans=SPLITTER.token_spans, max_tokens=most)).version
        for most in (128, 128, 256)
    }
    assert len(versions) == 2


def test_a_long_run_of_spaces_makes_no_empty_passage() -> None:
    text = "Roses want sun." + " " * 60_000 + "And water."
    chunks = read(text, "spaces.txt").chunks
    assert [chunk.text for chunk in chunks if not chunk.text.strip()] == []
    assert "".join("".join(c.text for c in chunks).split()) == "Roseswantsun.Andwater."
