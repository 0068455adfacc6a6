"""DOCX: headings, tables, numbers of paragraphs; and archives that were made to do harm."""

from __future__ import annotations

import io

import docx
import pytest
from document_reading import read
from docx.oxml import OxmlElement
from tiny_docx import docx_of, zipped

from bottega_plugins.knowledge.documents.skipped import SkippedError

pytestmark = pytest.mark.xdist_group("documents")


def make_docx() -> bytes:
    document = docx.Document()
    document.core_properties.author = "Ada"
    document.core_properties.title = ""
    document.add_heading("The guide", 0)
    document.add_paragraph("Welcome.")
    document.add_heading("Apples", 1)
    document.add_paragraph("Red or green.")
    hidden = document.add_paragraph("").add_run("secret")
    hidden.font.hidden = True
    document.add_paragraph("one", style="List Bullet")
    document.add_heading("Prices", 2)
    table = document.add_table(rows=3, cols=2)
    for row, cells in zip(
        table.rows, [("Kind", "Price"), ("Apple", "1"), ("Pear", "2")], strict=True
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    control = OxmlElement("w:sdt")
    inside = OxmlElement("w:sdtContent")
    inside.append(document.add_paragraph("In a content control.")._p)
    control.append(inside)
    document.element.body.insert(0, control)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_docx_has_headings_tables_and_paragraph_numbers() -> None:
    reading = read(make_docx(), "guide.docx")
    assert reading.title == "The guide"
    assert reading.metadata["author"] == "Ada"
    assert [(c.heading, c.line, c.text) for c in reading.chunks] == [
        ("", 1, "In a content control.\nThe guide\nWelcome."),
        ("Apples", 5, "Red or green.\n\none"),
        ("Apples > Prices", 9, "Kind | Price\nKind: Apple | Price: 1\nKind: Pear | Price: 2"),
    ]


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
