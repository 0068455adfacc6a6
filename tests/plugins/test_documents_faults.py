"""Documents that were made to do harm, or are broken: each costs one named reason, no more."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile

import pytest
from document_reading import read
from tiny_docx import docx_of, zipped
from tiny_pdf import simple_pdf, write_pdf

from bottega_plugins.knowledge.documents import draft, outline, table
from bottega_plugins.knowledge.documents.folder import MOST_BYTES
from bottega_plugins.knowledge.documents.skipped import SkippedError

pytestmark = pytest.mark.xdist_group("documents")


def tarred(link: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("notes.txt")
        entry.type, entry.linkname = tarfile.SYMTYPE, link
        archive.addfile(entry)
    return buffer.getvalue()


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ha">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10)  # each is ten of the one before
        for n in range(12)
    )
    + b"]>"
)
W = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
CATALOG = {1: b"<< /Type /Catalog /Pages 2 0 R >>"}


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.gz", gzip.compress(b"\0" * 9_000_000), "a gzip archive: unpack it first"),
        ("a.txt", gzip.compress(b"text"), "a gzip archive"),
        ("a.bz2", bz2.compress(b"text"), "a bzip2 archive"),
        ("a.xz", lzma.compress(b"text"), "an xz archive"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(50), "a 7-Zip archive"),
        ("a.rar", b"Rar!\x1a\x07\x01\0" + bytes(50), "a RAR archive"),
        ("a.zip", zipped(**{"../../etc/passwd": b"slip"}), "a zip archive: unpack it first"),
        ("a.docx", zipped(**{"notes.txt": b"text"}), "a zip archive"),
        ("a.zip", b"PK\x03\x04" + bytes(60), "a broken zip archive"),
        ("a.tar", tarred("/etc/passwd"), "a tar archive"),
        ("a.xlsx", zipped(**{"xl/workbook.xml": b"<x/>"}), "an Excel workbook"),
        ("a.pptx", zipped(**{"ppt/presentation.xml": b"<x/>"}), "a PowerPoint presentation"),
        ("a.odt", zipped(**{"content.xml": b"<x/>"}), "an OpenDocument file"),
        ("a.epub", zipped(**{"META-INF/container.xml": b"<x/>"}), "an EPUB book"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Office file"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "^encrypted$",
        ),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(60), "a PNG image"),
        ("a.db", b"SQLite format 3\0" + bytes(60), "an SQLite database"),
        ("a.pkl", b"\x80\x04\x95" + bytes(20), "a pickle, which is never opened"),
        ("a.rtf", b"{\\rtf1 text}", "an RTF text"),
        ("a.txt", b"\0\1\2\3" * 100, "binary data"),
        ("a.txt", b" \n\t\n", "only blank space"),
        ("fake.pdf", b"no PDF at all", "not a PDF file, whatever its name says"),
        ("fake.docx", b"no DOCX at all", "not a DOCX file"),
        ("empty.pdf", b"%PDF-1.7\n", "a broken PDF"),
        ("cut.pdf", simple_pdf([["text"]])[:200], "a broken PDF"),
        ("scan.pdf", simple_pdf([[], []]), "no text in it: scanned pages?"),
        ("none.pdf", write_pdf(CATALOG | {2: b"<< /Type /Pages /Kids [] /Count 0 >>"}), "PDF"),
        ("broken.docx", docx_of(b"<w:document")[:-30], "a broken"),
        ("empty.docx", docx_of(b"<w:document %s><w:body/></w:document>" % W), "no text in it"),
        ("odd.docx", docx_of(b"<w:document>"), "a broken DOCX file"),
        ("a.json", b'{"a": [1, 2', "broken JSON in line 1"),
        ("a.json", b'{\n"a": nothing here\n}', "broken JSON in line 2"),
        ("a.json", b"[" * 1_000_000, "nested more than 1,000 deep"),
        ("a.ipynb", b'{"worksheets": []}', "a notebook without cells"),
        ("a.ipynb", b"# not a notebook", "broken JSON"),
        ("a.html", b"<html><script>only()</script></html>", "no text|only blank space"),
        ("big.txt", b"x" * (MOST_BYTES + 1), "larger than 20 MB"),
    ],
)
def test_what_cannot_be_read_is_skipped_with_its_reason(
    name: str, data: bytes, reason: str
) -> None:
    with pytest.raises(SkippedError, match=reason):
        read(data, name)


def test_laughs_are_not_multiplied() -> None:
    with pytest.raises(SkippedError, match="its XML declares entities"):
        read(docx_of(LAUGHS + b"<w:document %s>&l;</w:document>" % W), "laughs.docx")
    for name in ("laughs.xml", "laughs.html"):
        texts = [chunk.text for chunk in read(LAUGHS + b"<p>see &l; here</p>", name).chunks]
        assert sum(map(len, texts)) < 2_000
        assert "&l; here" in "".join(texts)


def test_a_page_may_nest_as_deep_as_it_likes() -> None:
    deep = b"<div>" * 30_000 + b"the bottom" + b"</div>" * 30_000
    assert [chunk.text for chunk in read(deep, "deep.html").chunks] == ["the bottom"]


@pytest.mark.parametrize("piece", ["<", "<!--", "<![", "</", "&", "<a b='", "<p><i>", "]]>", "<?x"])
def test_broken_markup_is_read_all_the_same(piece: str) -> None:
    reading = read(f"<p>before</p>{piece * 200}<p>after</p>", "broken.html")
    assert reading.chunks[0].text.startswith("before")


def test_one_long_line_of_a_table_is_cut_like_a_text() -> None:
    rows = "name,text\nlong," + "word " * 400_000 + "\nshort,end\n"
    reading = read(rows, "long.csv")
    assert max(len(chunk.text) for chunk in reading.chunks) <= 2_000
    assert "end" in reading.chunks[-1].text


def test_long_names_of_columns_are_not_multiplied() -> None:
    table = "n" * 100_000 + ",b\n" + "1,2\n" * 10_000
    assert sum(len(chunk.text) for chunk in read(table, "wide.csv").chunks) < 2_000_000


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.csv", "x,y\n" + "a,b\n" * 2_000, "a table of more than 1,000 rows"),
        ("a.json", '["a"' + ',"a"' * 2_000 + "]", "more than 1,000 pieces of text"),
        ("a.jsonl", '{"a": "b"}\n' * 2_000, "more than 1,000 pieces of text"),
    ],
)
def test_very_many_small_pieces_are_counted(
    name: str, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft, "MOST_RUNS", 1_000)
    monkeypatch.setattr(table, "MOST_BREAKS", 1_000)
    with pytest.raises(SkippedError, match=reason):
        read(text, name)


@pytest.mark.parametrize("name", ["a.md", "a.rst"])
def test_very_many_headings_are_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "MOST_HEADINGS", 1_000)
    many = {"a.md": "# h\n", "a.rst": "hhh\n===\n\n"}[name] * 2_000
    assert {chunk.heading for chunk in read(many, name).chunks} == {""}


def test_a_long_heading_is_not_carried_by_every_passage() -> None:
    text = f"# top\n\n# {'long ' * 9_000}\n\n{'text ' * 2_000}"
    assert max(len(chunk.heading) for chunk in read(text, "a.md").chunks) < 400


def test_numbers_of_any_size_are_texts() -> None:
    text = '{"big": %s, "not": NaN, "more": -Infinity, "far": 1e999999}' % ("9" * 900)
    shown = "\n".join(chunk.text for chunk in read(text, "numbers.json").chunks)
    assert shown.endswith("not: NaN\nmore: -Infinity\nfar: 1e999999")


def test_half_characters_do_not_reach_the_index() -> None:
    for name, text in (("a.json", '{"a": "\\ud800 x"}'), ("a.txt", "a \udcff x")):
        chunk = read(text, name).chunks[0]
        assert "\ufffd x" in chunk.text
        chunk.text.encode()


def test_nul_and_signs_that_turn_text_are_kept_as_they_are() -> None:
    text = "one \0 two \u202eowt\u202c three\n" * 5
    assert read(text.encode(), "nul.txt").chunks[0].text == text.strip()
