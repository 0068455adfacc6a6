"""From an answer's bytes to a document: web pages, plain text, JSON, PDF; the rest is refused."""

from __future__ import annotations

import asyncio
import codecs
import json
import re
from collections.abc import Callable

from bottega.errors import ToolError
from bottega_tools.web.document import Document
from bottega_tools.web.messages import Response
from bottega_tools.web.unpacking import size
from bottega_tools.web.visible import visible

_PAGES = ("text/html", "application/xhtml+xml")
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.-]{1,40})", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OF_THE_WEB = re.compile(r"utf-(?:8|16)|iso8859|cp\d|koi8|gb|big5|euc|shift|iso2022|mac|ascii|tis")
_SNIFFED = 2_048
_GUESSED = 100_000
_LEAST_LETTERS = 48
"""Bytes beyond ASCII from which an encoding can be guessed; with fewer it is the western one."""
_PICTURES = (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"RIFF")
_LOOKS_LIKE_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body)\b", re.I)
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")


async def read_document(response: Response) -> Document:
    """Read the body. Raises ToolError for what has no text."""
    form = media_type(response)
    url = response.address.shown
    if form in _PAGES:
        return await asyncio.to_thread(_page, response)
    if form == "application/pdf":
        from bottega_tools.web.pdf import read_pdf

        return await read_pdf(response.body, url)
    if form.startswith("text/") or _is_json(form) or form.endswith(("/xml", "+xml", "/yaml")):
        write = _json if _is_json(form) else visible
        return await asyncio.to_thread(_plain, response, write)
    what = f"{form or 'of no known type'}, {size(len(response.body))}"
    raise ToolError(f"{url} is not a text ({what})", hint=_hint(form))


def media_type(response: Response) -> str:
    """Return what the body is: as the server says, unless its first bytes say otherwise."""
    said, head = response.media_type, response.body[:_SNIFFED]
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if said not in ("", "text/plain", "application/octet-stream"):
        return said
    if said != "text/plain" and _LOOKS_LIKE_PAGE.match(head):
        return "text/html"
    is_text = b"\0" not in head or head.startswith(tuple(bom for bom, _ in _BOMS))
    if head.startswith(_PICTURES):
        return "image"
    return "text/plain" if is_text and (said or _decodes(head)) else "application/octet-stream"


def decode(response: Response) -> str:
    """Return the body as text: by its byte order mark, the headers, the page, or its looks.

    The order is that of https://encoding.spec.whatwg.org/#decode and of HTML's sniffing.
    """
    body = response.body
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(name, "replace")
    match = _META.search(body[:_SNIFFED]) if media_type(response) in _PAGES else None
    named = response.charset or (match[1].decode("ascii", "replace") if match else "")
    for name in (named, "utf-8"):
        try:
            return body.decode(_codec(name))
        except (UnicodeDecodeError, LookupError):
            continue
    best = None
    if sum(byte > 127 for byte in body[:_GUESSED]) >= _LEAST_LETTERS:
        from charset_normalizer import from_bytes

        best = from_bytes(body[:_GUESSED]).best()
    return body.decode(best.encoding if best else "windows-1252", "replace")


def _codec(name: str) -> str:
    """Return Python's name of an encoding; what the web calls Latin-1 is Windows' code page."""
    found = codecs.lookup(name or "utf-8").name
    if not _OF_THE_WEB.match(found):
        raise LookupError(name)  # such as rot13, or punycode, which takes quadratic time
    return "windows-1252" if found == "iso8859-1" else found


def _page(response: Response) -> Document:
    from bottega_tools.web.content import find_content
    from bottega_tools.web.markdown import write_markdown

    url = response.address.url
    content = find_content(decode(response).encode("utf-8", "replace"), url)
    blocks = write_markdown(content.root, content.base)
    note = "" if blocks else "The page has no text of its own: it may be made by scripts."
    return Document(
        url=response.address.shown,
        title=content.title,
        published=content.published,
        blocks=blocks,
        note=note,
    )


def _plain(response: Response, write: Callable[[str], str]) -> Document:
    text = write(decode(response)).strip()
    blocks = [block for block in _BLANK_LINES.split(text) if block]
    note = "" if blocks else "It is empty."
    return Document(url=response.address.shown, blocks=blocks, note=note)


def _json(text: str) -> str:
    """Return JSON over several lines, or as it is where it is none."""
    try:
        return visible(json.dumps(json.loads(text), ensure_ascii=False, indent=1))
    except (ValueError, RecursionError):
        return visible(text)


def _is_json(form: str) -> bool:
    return form in ("application/json", "text/json") or form.endswith("+json")


def _decodes(head: bytes) -> bool:
    try:
        head[: len(head) & ~3].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 8  # a letter that the cut went through
    return True


def _hint(form: str) -> str:
    if form.startswith("image"):
        return "a picture is looked at with the tool look_at_image, where there is one"
    return "only pages, plain text, JSON, XML and PDF are read"
