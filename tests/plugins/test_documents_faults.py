"""Documents that were made to do harm, or are broken: each costs one named reason, no more."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
import resource
import tarfile
import zipfile
import zlib

import pytest
from bad_parsers import (
    Cramped,
    Crashing,
    Diving,
    Failing,
    Hanging,
    Hoarding,
    Honest,
    Hurried,
    Leaving,
)
from document_reading import read
from tiny_pdf import compressed_zeros, simple_pdf, stream, write_pdf

from bottega.errors import InputError
from bottega_plugins.knowledge.documents import draft, outline, table
from bottega_plugins.knowledge.documents.folder import MOST_BYTES
from bottega_plugins.knowledge.documents.isolated import IsolatedParser, parse_in_process
from bottega_plugins.knowledge.documents.skipped import SkippedError
from bottega_plugins.knowledge.documents.text_formats import LARGE

pytestmark = pytest.mark.xdist_group("documents")


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return buffer.getvalue()


def docx_of(document: bytes) -> bytes:
    return zipped(
        **{
            "[Content_Types].xml": b'<?xml version="1.0"?><Types xmlns="http://schemas.'
            b'openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
            b'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            b'<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
            b'officedocument.wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": b'<?xml version="1.0"?><Relationships xmlns="http://schemas.'
            b'openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://'
            b'schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
            b'Target="word/document.xml"/></Relationships>',
            "word/document.xml": document,
        }
    )


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


@pytest.mark.parametrize("filters", [1, 2])
def test_a_pdf_bomb_fills_no_memory(filters: int) -> None:
    """Content streams of 3 GB, compressed once and twice."""
    bomb = compressed_zeros(3_000)
    if filters == 2:
        bomb = zlib.compress(bomb)
    chain = b"/Filter [%s]" % (b" /FlateDecode" * filters)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>"
    kids = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SkippedError):
        read(write_pdf(CATALOG | {2: kids, 3: page, 4: stream(bomb, chain)}), "bomb.pdf")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


@pytest.mark.parametrize(
    "objects",
    [
        {2: b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"},
        {2: b"<< /Type /Pages /Kids [3 0 R] /Count 9 >>", 3: b"<< /Type /Pages /Kids [2 0 R] >>"},
        {2: b"2 0 R"},
        {2: b"<< /Type /Pages /Kids [3 0 R] /Count 1000000000 >>", 3: b"<< /Type /Page >>"},
        {2: b"[" * 100_000},
    ],
    ids=["kid of itself", "kids in a ring", "its own reference", "count", "deep"],
)
def test_a_pdf_that_refers_to_itself_ends(objects: dict[int, bytes]) -> None:
    with pytest.raises(SkippedError):
        read(write_pdf(CATALOG | objects), "loop.pdf")


def test_bookmarks_in_a_ring_are_read_once() -> None:
    data = simple_pdf([["One", "first"], ["Two", "second"]], [("One", 0), ("Two", 1)])
    ring = data.replace(b"/Dest [12 0 R /Fit] ", b"/Next 14 0 R        ")
    assert [chunk.page for chunk in read(ring, "ring.pdf").chunks] == [1, 2]


def test_an_encrypted_pdf_says_so() -> None:
    key = b"(" + b"k" * 32 + b")"
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O %s /U %s /P -4 >>" % (key, key)
    lock += b"/ID [%s %s]" % (key, key)
    pages = {2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", 3: b"<< /Type /Page >>"}
    with pytest.raises(SkippedError, match="encrypted: it needs a password"):
        read(write_pdf(CATALOG | pages, lock), "locked.pdf")


def test_a_docx_that_unpacks_to_much_is_not_unpacked() -> None:
    with pytest.raises(SkippedError, match="a part of it unpacks to 30 MB"):
        read(docx_of(b" " * 30_000_000), "bomb.docx")


def test_a_docx_that_lies_about_its_sizes_is_broken() -> None:
    honest = docx_of(b" " * 30_000_000)
    size = (30_000_000).to_bytes(4, "little")
    with pytest.raises(SkippedError, match="a broken DOCX file"):
        read(honest.replace(size, (9).to_bytes(4, "little")), "liar.docx")


def test_a_docx_of_very_many_parts_is_not_looked_at() -> None:
    many = {f"word/{number}.xml": b"" for number in range(10_001)}
    with pytest.raises(SkippedError, match="more than 10,000 files"):
        read(zipped(**many), "many.docx")


def test_an_encrypted_docx_says_so() -> None:
    data = bytearray(docx_of(b"<w:document/>"))
    for at in range(len(data)):
        if data[at : at + 4] == b"PK\x01\x02":
            data[at + 8] |= 1
    with pytest.raises(SkippedError, match=r"^encrypted$"):
        read(bytes(data), "locked.docx")


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


def test_very_many_small_blocks_fill_no_memory() -> None:
    with pytest.raises(SkippedError, match="took more than 48 MB of memory to read"):
        asyncio.run(parse_in_process(Cramped(), b"a\n\n" * 100_000, "markdown"))


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


def test_a_large_text_is_read_in_a_process_of_its_own() -> None:
    text = "# Top\n\n" + "".join(f"## Part {n}\n\nText of part {n}.\n\n" for n in range(9_000))
    assert len(text) > LARGE
    reading = read(text, "large.md")
    assert len(reading.chunks) == 9_000
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in reading.chunks)


@pytest.mark.parametrize("name", ["a.md", "a.rst"])
def test_very_many_headings_are_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "MOST_HEADINGS", 1_000)
    many = {"a.md": "# h\n", "a.rst": "hhh\n===\n\n"}[name] * 2_000
    assert {chunk.heading for chunk in read(many, name).chunks} == {""}


def test_a_long_heading_is_not_carried_by_every_passage() -> None:
    text = f"# top\n\n# {'long ' * 9_000}\n\n{'text ' * 2_000}"
    assert max(len(chunk.heading) for chunk in read(text, "a.md").chunks) < 400


def test_a_page_that_takes_its_parser_minutes_is_given_up() -> None:
    with pytest.raises(SkippedError, match=r"took more than 0\.5 s to read"):
        asyncio.run(parse_in_process(Hurried(), b"<a\t" * 20_000, "html"))


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


@pytest.mark.parametrize(
    ("parser", "reason"),
    [
        (Hanging(), "took more than"),
        (Hoarding(), "MB of memory"),
        (Crashing(), "its reader failed: .*SIGSEGV"),
        (Leaving(), "its reader failed: .*without a result"),
        (Failing(), "its reader failed: ZeroDivisionError"),
        (Diving(), "nested too deep"),
    ],
)
def test_a_reader_that_goes_wrong_costs_one_document(parser: IsolatedParser, reason: str) -> None:
    with pytest.raises(SkippedError, match=reason):
        asyncio.run(parse_in_process(parser, b"text", "html"))
    after = asyncio.run(parse_in_process(Honest(), b"text", "html"))
    assert after.text == "text"


def test_a_format_that_there_is_not_is_a_mistake() -> None:
    with pytest.raises(InputError, match="unknown format 'markdwon'"):
        read("text", format="markdwon")


def test_a_format_that_was_given_must_be_true() -> None:
    with pytest.raises(SkippedError, match="not a PDF file"):
        read("text", format="pdf")
