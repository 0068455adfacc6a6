"""Links and images in an answer that may carry out what was read.

An image is loaded by whoever shows the answer, and a link by whoever follows it: an address that
was made up takes along what is written into it. One that trusted words hold stays. One that stands
in a document, letter by letter, can carry nothing: a link to it stays; an image does not, for
loading it tells that it was shown. Only the address is replaced: the answer stays as it reads.

Source: https://embracethered.com/blog/posts/2023/bing-chat-data-exfiltration-poc-and-fix/
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import partial

from bottega.labels import Passage

REMOVED = "#address-removed"
"""What stands in place of an address."""
_CHAR = r"[^\s<>\"'`)\]\\|]"
_BARE = re.compile(rf"\b[a-z][a-z0-9+.-]*://{_CHAR}+|\bwww\.{_CHAR}+", re.IGNORECASE)
_PLACED = re.compile(
    r"(\]\(\s*<?|^ {0,3}\[[^\]\n]+\]:\s*<?|\b(?:src|srcset|href|data|poster|action)\s*=\s*[\"']?)"
    r"([^\s>\"']+)",
    re.IGNORECASE | re.MULTILINE,
)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_OUTSIDE = re.compile(
    r"(?!data:|mailto:[^?]*$|tel:)[a-z][a-z0-9+.-]*:|[/\\]{2}|www\.", re.IGNORECASE
)
_TRAIL = ".,;:!?*_"


def neutralised(text: str, read: Sequence[Passage]) -> str:
    """Return the text without addresses that may carry something out."""
    seen = "\n".join(one.text for one in read)
    trusted = "\n".join(one.text for one in read if one.trust == "trusted")
    text = _PLACED.sub(partial(_placed, text, seen, trusted), text)
    return _BARE.sub(partial(_bare, seen), text)


def _placed(text: str, seen: str, trusted: str, match: re.Match[str]) -> str:
    """Judge an address that Markdown or HTML makes a link or an image of."""
    opening, raw = match[1], match[2]
    written = raw if opening.lstrip().startswith("]:") else _closed(raw)
    address = _ESCAPE.sub(r"\1", html.unescape(written))
    if not _OUTSIDE.match(address):
        return match[0]
    known = trusted if _is_loaded(text, match.start(), opening) else seen
    if _holds(known, address):
        return match[0]
    return f"{opening}{REMOVED}{raw[len(written) :]}"


def _closed(raw: str) -> str:
    """Return what stands before the bracket that closes the link."""
    depth = 0
    for index, char in enumerate(raw):
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return raw[:index]
    return raw


def _is_loaded(text: str, at: int, opening: str) -> bool:
    """Say whether a page loads the address by itself, as far as can be told."""
    if not opening.startswith("]("):
        return not opening.lower().lstrip().startswith("href")
    depth = 0
    for index in range(at, -1, -1):
        depth += (text[index] == "]") - (text[index] == "[")
        if depth == 0:
            return text[index - 1 : index] == "!"
    return True


def _bare(seen: str, match: re.Match[str]) -> str:
    address = match[0].rstrip(_TRAIL)
    return match[0] if _holds(seen, address) else f"{REMOVED}{match[0][len(address) :]}"


def _holds(text: str, address: str) -> bool:
    """Say whether a text holds the address, and not only the beginning of another one."""
    at = text.find(address)
    while at >= 0:
        rest = text[at + len(address) :][:2]
        if not rest or not re.match(r"[\w/?#&=%~+@-]|[.,;:!*_][\w/]", rest):
            return True
        at = text.find(address, at + 1)
    return False
