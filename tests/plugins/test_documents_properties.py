"""Whatever is in a document, of whatever format: passages with valid places, or a named reason."""

from __future__ import annotations

import csv
import io
import json

import pytest
from document_reading import SPLITTER, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bottega_plugins.knowledge.documents.chunk import Chunk
from bottega_plugins.knowledge.documents.markup import parse_markup
from bottega_plugins.knowledge.documents.reader import Reading
from bottega_plugins.knowledge.documents.skipped import SkippedError

VERBATIM = ("a.md", "a.rst", "a.txt", "a.py", "a.c", "a.yaml")
EXTRACTED = ("a.csv", "a.tsv", "a.json", "a.jsonl", "a.ipynb")
MARKUP = "ab \n\t<>/&;#-=:'\"()[]{}|,.*`~!?\\\r\0é\u202e\x0c\x85\u2028"
PIECES = (
    "# H\n", "- x\n", "```\n", "> ", "|a|b|\n", "|-|-|\n", "def f():\n", " return 1\n", "@d\n",
    "class A:\n", " pass\n", "---\n", "T: v\n", "===\n", '{"a": ', "[1, ", "]", "}", '"x"', "1,2\n",
    "a\tb\n", "\r\n", "word ", "end. ", "\n\n", "é", "\ud800",
)  # fmt: skip
written = st.one_of(
    st.text(max_size=300),
    st.text(alphabet=MARKUP, max_size=400),
    st.lists(st.sampled_from(PIECES), max_size=120).map("".join),
)
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def attempt(content: str | bytes, name: str) -> Reading | None:
    try:
        return read(content, name)
    except SkippedError as reason:
        assert str(reason)
        return None


def check_places(chunks: tuple[Chunk, ...], text: str) -> None:
    assert len({chunk.key for chunk in chunks}) == len(chunks)
    for chunk in chunks:
        assert 0 <= chunk.start <= chunk.end <= len(text)
        assert chunk.line == text.count("\n", 0, chunk.start) + 1
        assert chunk.end_line == text.count("\n", 0, chunk.end) + 1
        assert chunk.text.strip()
        chunk.text.encode()
        json.dumps(chunk.metadata, allow_nan=False)


@many
@given(written, st.sampled_from(VERBATIM))
def test_passages_of_a_text_are_parts_of_it(text: str, name: str) -> None:
    reading = attempt(text, name)
    if reading is None:
        assert not text.strip()
        return
    whole = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    check_places(reading.chunks, whole)
    start = 0
    for chunk in reading.chunks:
        assert whole[chunk.start : chunk.end] == chunk.text
        assert chunk.start >= start
        start = chunk.start


@many
@given(written)
def test_nothing_of_plain_text_is_lost(text: str) -> None:
    reading = attempt(text.replace("\ud800", ""), "a.yaml")
    covered = set[int]()
    for chunk in reading.chunks if reading else ():
        covered.update(range(chunk.start, chunk.end))
    text = text.replace("\ud800", "")
    assert not [c for place, c in enumerate(text) if place not in covered and not c.isspace()]


@many
@given(written, st.sampled_from(EXTRACTED))
def test_passages_of_other_formats_say_where_they_were_read(text: str, name: str) -> None:
    reading = attempt(text, name)
    if reading:
        check_places(reading.chunks, text)


@many
@given(st.binary(max_size=400), st.sampled_from((*VERBATIM, *EXTRACTED, "a.bin", "a")))
def test_any_bytes_are_read_or_skipped(data: bytes, name: str) -> None:
    attempt(data, name)


@many
@given(st.one_of(written, st.lists(st.sampled_from(
    ("<p>", "</p>", "<li>", "<td>", "<tr>", "<table>", "</table>", "<h1>", "</h1>", "<pre>", "<br>",
     "<div hidden>", "</div>", "<!--", "-->", "<script>", "</script>", "&amp;", "&#0;", "&#xD800;",
     "<![CDATA[", "]]>", "<title>", "<a b=c", "word ", "two words", "\n", "  ")
), max_size=60).map("".join)), st.sampled_from(("html", "xml")))  # fmt: skip
def test_any_markup_has_valid_places(text: str, form: str) -> None:
    text = text.replace("\ud800", "")
    parsed = parse_markup(text, form)
    chunks = SPLITTER.cut(parsed, "title", "a.html", text)
    check_places(chunks, text)
    starts = [chunk.start for chunk in chunks]
    assert starts == sorted(starts)


@many
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=4)
    | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=20,
), st.sampled_from((None, 1)))  # fmt: skip
def test_every_json_value_is_found_in_its_file(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    reading = attempt(text, "a.json")
    shown = "\n".join(chunk.text for chunk in reading.chunks) if reading else ""
    for word in strings(value):
        assert all(part in shown for part in word.replace("\r", "\n").split()[:3])


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [word for item in value.values() for word in strings(item)]  # type: ignore[misc]
    if isinstance(value, list):
        return [word for item in value for word in strings(item)]  # type: ignore[misc]
    if isinstance(value, str):
        return [word for word in [value] if word.isascii() and word.isprintable()]
    return []


cells = st.text(alphabet='ab1 ,;"\n', max_size=6)


@many
@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=2, max_size=12))
def test_rows_are_read_from_their_own_lines(rows: list[list[str]]) -> None:
    table = [["id", "left", "middle", "right"], *([f"r{n}", *row] for n, row in enumerate(rows))]
    buffer = io.StringIO()
    csv.writer(buffer).writerows(table)
    text = buffer.getvalue()
    reading = attempt(text, "a.csv")
    assert reading is not None
    assert reading.metadata == {"columns": table[0], "rows": len(rows)}
    for chunk in reading.chunks:
        first = chunk.metadata["row"] - 1
        assert f"id: r{first}" in chunk.text
        assert text[chunk.start :].startswith(f"r{first},")


@pytest.mark.parametrize("name", [*VERBATIM, *EXTRACTED])
def test_reading_twice_gives_the_same(name: str) -> None:
    text = '[{"a": "one"}]\n' * 3 if name == "a.jsonl" else '[{"a": "one two"}, {"a": 2}]'
    assert attempt(text, name) == attempt(text, name)
