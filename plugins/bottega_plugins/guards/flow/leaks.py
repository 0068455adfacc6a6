"""Secrets in what is about to leave: whole, in part, or written in another way."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from bottega.labels import Passage
from bottega_plugins.guards.flow.values import keys, leaves, plain

_WORD = re.compile(r"[^\s\"'{}\[\](),;:=<>]+")
_CODED = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}|(?:[0-9a-fA-F]{2}){4,}")
LEAST = 6
"""Letters and digits of the shortest word of a secret that is looked for."""


def leak(arguments: Mapping[str, Any], read: Sequence[Passage]) -> str:
    """Say which argument carries which secret; nothing where none does.

    Words that trusted, public passages hold as well are no secret.
    """
    if not any(passage.secret for passage in read):
        return ""
    words = _secret_words(read)
    for path, value in (*keys(arguments), *leaves(arguments)):
        if value is None or isinstance(value, bool):
            continue
        for text in _ways(str(value)):
            for word, origin in words.items():
                if word in text:
                    return f"argument {path} carries a secret from {origin}"
    return ""


def _secret_words(read: Sequence[Passage]) -> dict[str, str]:
    known = "\n".join(plain(p.text) for p in read if not p.secret and p.trust == "trusted")
    found: dict[str, str] = {}
    for passage in read:
        for word in _WORD.findall(plain(passage.text)) if passage.secret else ():
            if sum(c.isalnum() for c in word) >= LEAST and word not in known:
                found[word] = passage.origin
    return found


def _ways(text: str) -> Iterator[str]:
    """Yield a text as it is, backwards, and without the codes that hide what it says."""
    yield plain(text)
    yield plain(text[::-1])
    yield plain(unquote(text))
    yield re.sub(r"[\W_]", "", plain(text))
    for match in _CODED.finditer(text):
        yield from map(plain, _decoded(match[0]))


def _decoded(code: str) -> Iterator[str]:
    padded = code.rstrip("=") + "=" * (-len(code.rstrip("=")) % 4)
    for decode in (base64.b64decode, base64.urlsafe_b64decode, bytes.fromhex):
        try:
            yield decode(code if decode is bytes.fromhex else padded).decode()
        except ValueError:
            continue
