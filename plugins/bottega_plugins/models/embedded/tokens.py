"""Counting tokens, in those of the embedder."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict

from bottega.embedder import Embedder
from bottega.messages import Message, Text, ToolCall, ToolResult

_REMEMBERED = 512
_SHORT = 200
"""Characters from which a count is remembered: a conversation is counted again at every step."""


class TokenCounter:
    """Counts the tokens of texts and messages."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: OrderedDict[str, int] = OrderedDict()

    async def messages(self, messages: tuple[Message, ...]) -> int:
        """Return the tokens of everything that the messages hold as text."""
        texts = [text for message in messages for part in message.parts for text in _texts(part)]
        return await asyncio.to_thread(self._total, texts)

    async def text(self, text: str) -> int:
        """Return the tokens of one text."""
        return await asyncio.to_thread(self._total, [text])

    def _total(self, texts: list[str]) -> int:
        return sum(self._count(text) for text in texts)

    def _count(self, text: str) -> int:
        count = self._known.get(text)
        if count is None:
            count = len(self._embedder.token_spans(text))
            if len(text) > _SHORT:
                self._known[text] = count
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return count


def _texts(part: object) -> list[str]:
    if isinstance(part, Text):
        return [part.text]
    if isinstance(part, ToolCall):
        return [part.name, json.dumps(dict(part.arguments), default=str)]
    return [part.content] if isinstance(part, ToolResult) else []
