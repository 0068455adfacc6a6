"""PDFs for tests, put together by hand: good ones, and ones that a PDF library would not write."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence


def write_pdf(objects: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    """Return a PDF of numbered objects; object 1 is the catalogue."""
    data = b"%PDF-1.7\n"
    places: dict[int, int] = {}
    for number, body in objects.items():
        places[number] = len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    size = max(objects) + 1
    data += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        data += b"%010d 00000 n \n" % places.get(number, 0)
    end = b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n"
    return data + end % (size, trailer, start)


def stream(data: bytes, extra: bytes = b"") -> bytes:
    """Return the body of a stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), extra, data)


def page_content(lines: Sequence[str]) -> bytes:
    """Return drawing operators that show lines of text below one another."""
    shown = b"".join(b"(%s) Tj T*\n" % _escaped(line) for line in lines)
    return b"BT /F1 12 Tf 14 TL 72 720 Td\n" + shown + b"ET"


def simple_pdf(
    pages: Sequence[Sequence[str]],
    bookmarks: Sequence[tuple[str, int]] = (),
    info: Mapping[str, str] | None = None,
) -> bytes:
    """Return a PDF with lines of text on pages, and bookmarks (title, page from 0)."""
    objects: dict[int, bytes] = {3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"}
    kids = b""
    for index, lines in enumerate(pages):
        page, content = 10 + 2 * index, 11 + 2 * index
        kids += b"%d 0 R " % page
        objects[page] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % content
        )
        objects[content] = stream(zlib.compress(page_content(lines)), b"/Filter /FlateDecode")
    objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages))
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /Outlines 4 0 R >>"
    objects |= _outline(bookmarks, 10 + 2 * len(pages))
    fields = b"".join(b"/%s (%s) " % (k.encode(), _escaped(v)) for k, v in (info or {}).items())
    objects[5] = b"<< %s >>" % fields
    return write_pdf(objects, b"/Info 5 0 R")


def _outline(bookmarks: Sequence[tuple[str, int]], first: int) -> dict[int, bytes]:
    made: dict[int, bytes] = {}
    for index, (title, page) in enumerate(bookmarks):
        after = b"/Next %d 0 R" % (first + index + 1) if index + 1 < len(bookmarks) else b""
        made[first + index] = b"<< /Title (%s) /Parent 4 0 R /Dest [%d 0 R /Fit] %s >>" % (
            _escaped(title),
            10 + 2 * page,
            after,
        )
    last = first + len(bookmarks) - 1
    ends = b"/First %d 0 R /Last %d 0 R" % (first, last) if bookmarks else b""
    made[4] = b"<< /Type /Outlines %s /Count %d >>" % (ends, len(bookmarks))
    return made


def compressed_zeros(megabytes: int) -> bytes:
    """Return what zlib would make of that many zeros, without making them."""
    packer = zlib.compressobj(9)
    million = b"\0" * 1_000_000
    first = packer.compress(million) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(million) + packer.flush(zlib.Z_FULL_FLUSH)
    check = ((megabytes * 1_000_000 % 65_521) << 16 | 1).to_bytes(4, "big")
    return first + again * (megabytes - 1) + b"\x03\x00" + check


def _escaped(text: str) -> bytes:
    data = text.encode("latin-1")
    return data.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
