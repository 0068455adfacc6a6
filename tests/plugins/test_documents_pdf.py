"""PDF: pages, headings, metadata; and files that were made to do harm."""

from __future__ import annotations

import resource
import zlib

import pytest
from document_reading import read, texts
from tiny_pdf import compressed_zeros, simple_pdf, stream, write_pdf

from bottega_plugins.knowledge.documents.skipped import SkippedError

pytestmark = pytest.mark.xdist_group("documents")


CATALOG = {1: b"<< /Type /Catalog /Pages 2 0 R >>"}


def test_pdf_has_pages_headings_and_metadata() -> None:
    pages = [["Guide", "Welcome to it."], ["1 Apples", "Red or green."], ["Pears", "Sweet."]]
    data = simple_pdf(
        pages,
        [("Apples", 1), ("Pears", 2)],
        {"Title": "The guide", "Author": "Ada", "CreationDate": "D:20240506120000Z"},
    )
    reading = read(data, "guide.pdf")
    assert reading.title == "The guide"
    assert reading.metadata == {"author": "Ada", "created": "2024-05-06", "pages": 3}
    assert [(c.page, c.heading, c.text) for c in reading.chunks] == [
        (1, "", "Guide\nWelcome to it."),
        (2, "Apples", "Red or green."),
        (3, "Pears", "Sweet."),
    ]
    assert [c.key for c in reading.chunks] == [
        "guide.pdf:p1:1-2",
        "guide.pdf:p2:2-2",
        "guide.pdf:p3:2-2",
    ]


def test_running_titles_and_page_numbers_of_a_pdf_are_left_out() -> None:
    pages = [
        ["The Guide", f"Text of page {n}, which differs: {n * n}.", f"- {n} -"] for n in range(1, 8)
    ]
    found = texts(read(simple_pdf(pages), "guide.pdf"))
    assert found == [f"Text of page {n}, which differs: {n * n}." for n in range(1, 8)]


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
    with pytest.raises(SkippedError, match=r"^needs more than 512 MB of memory to be read$"):
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
