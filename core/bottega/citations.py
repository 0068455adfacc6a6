"""From the keys in an answer to the passages behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bottega.messages import Citation, Message, ToolResult

_BRACKETS = re.compile(r"\[([^\[\]\n]{1,300})\]")
_BETWEEN_KEYS = re.compile(r"\s*[;,]\s*")


def resolve(text: str, evidence: Mapping[str, Citation]) -> tuple[Citation, ...]:
    """Return the passages that the text points at, in the order in which it first does.

    `[a.rst:1-9]` names one passage, `[a.rst:1-9; b.rst:3-4]` two. Brackets around anything else are
    plain text.
    """
    found: dict[str, Citation] = {}
    for inside in _BRACKETS.findall(text):
        for key in (inside, *_BETWEEN_KEYS.split(inside)):
            citation = evidence.get(key.strip())
            if citation is not None:
                found[citation.key] = citation
    return tuple(found.values())


def evidence_in(messages: Iterable[Message]) -> dict[str, Citation]:
    """Return every passage that tools have returned in a conversation, by key."""
    return {
        citation.key: citation
        for message in messages
        for part in message.parts
        if isinstance(part, ToolResult)
        for citation in part.citations
    }
