"""Which format a document has, in which encoding it is, and what was given with it."""

from __future__ import annotations

import pytest
from document_reading import headings, read, texts

from bottega.errors import InputError
from bottega_plugins.knowledge.documents.skipped import SkippedError

pytestmark = pytest.mark.xdist_group("documents")


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.md", "# A\n\nb\n", "markdown"),
        ("a.rst", "A\n=\n\nb\n", "rst"),
        ("a.txt", "b\n", "text"),
        ("README", "b\n", "text"),
        ("a.htm", "<p>b", "html"),
        ("page", "<!DOCTYPE html><p>b", "html"),
        ("https://example.org/page.html?b=.csv#c", "<p>b", "html"),
        ("a.csv", "x,y\n1,2\n", "csv"),
        ("a.tsv", "x\ty\n1\t2\n", "csv"),
        ("a.json", '{"a": 1}', "json"),
        ("a.jsonl", '{"a": 1}\n', "jsonl"),
        ("a.py", "x = 1\n", "python"),
        ("tool", "#!/usr/bin/env python3\nx = 1\n", "python"),
        ("a.rs", "fn main() {}\n", "code"),
        ("a.xml", "<a><b>c</b></a>", "xml"),
    ],
)
def test_the_format_is_told_by_content_and_ending(name: str, text: str, form: str) -> None:
    assert read(text, name).format == form
    assert read(text.encode(), name).format == form


def test_a_given_format_title_and_metadata_come_first() -> None:
    text = "---\ntitle: Found\nlang: en\nyear: 2020\n---\n# One\n\ntext\n"
    reading = read(text, "id-7", format="markdown", title="Given", metadata={"lang": "it"})
    assert (reading.title, reading.format) == ("Given", "markdown")
    assert reading.metadata == {"lang": "it", "year": 2020}
    assert headings(reading) == ["", "One"]


def test_a_format_that_there_is_not_is_a_mistake() -> None:
    with pytest.raises(InputError, match="unknown format 'markdwon'"):
        read("text", format="markdwon")


def test_a_format_that_was_given_must_be_true() -> None:
    with pytest.raises(SkippedError, match="not a PDF file"):
        read("text", format="pdf")


def test_html_says_how_it_is_written() -> None:
    page = "<meta charset=windows-1251><p>Съешь же ещё"
    assert texts(read(page.encode("cp1251"), "a.html")) == ["Съешь же ещё"]


@pytest.mark.parametrize("encoding", ["koi8-r", "shift_jis", "gb18030", "cp1253", "euc_kr"])
def test_other_scripts_are_recognised(encoding: str) -> None:
    text = {
        "koi8-r": "Москва является столицей России и её крупнейшим городом. ",
        "shift_jis": "日本国は東アジアに位置する島国であり、首都は東京である。",
        "gb18030": "中华人民共和国位于亚洲东部和太平洋西岸。首都是北京。",
        "cp1253": "Στην Αθήνα είναι η πρωτεύουσα της Ελλάδας και η μεγαλύτερη πόλη. ",
        "euc_kr": "대한민국은 동아시아의 한반도 남부에 위치한 나라이며 수도는 서울특별시이다. ",
    }[encoding] * 3
    assert "".join(texts(read(text.encode(encoding)))) == text.strip()


def test_utf16_without_a_mark_is_recognised() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert texts(read("plain text without a mark".encode(encoding))) == [
            "plain text without a mark"
        ]
