"""How many tokens a request has, before it is sent.

A model may offer its own counter (`Counted`). For every other one tokens are estimated from bytes,
on the high side: two lower-case letters or blanks make a token, every other ASCII character and
every byte of other scripts makes one by itself. Beside the tokenizer of a hosted model (65,000
tokens) prose comes out 2.1 times too high, code 2.3, JSON 2.4, German 1.6, Finnish 1.3, base64 1.1,
Chinese 3.3; random lower-case letters 5 % too low. What the model itself has reported of a
conversation takes the place of the estimate: only what is new is estimated then.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeGuard, runtime_checkable

from bottega.messages import Image, Message, Text, ToolCall
from bottega.model import Reply, Request, Usage

_LIGHT = string.ascii_lowercase.encode() + b" "
_LIGHT_PER_TOKEN = 2
MESSAGE_TOKENS = 8
"""What a message, a call or a tool takes beside its text."""
IMAGE_TOKENS = 2_000
"""Above what hosted models take for an image of any size in one piece."""


@runtime_checkable
class Counted(Protocol):
    """A model that can tell the tokens of a request without sending it."""

    def count_tokens(self, request: Request) -> int:
        """Return the tokens that the request would be charged as input."""
        ...


def is_counted(model: object) -> TypeGuard[Counted]:
    """Say whether a model can tell tokens: as `isinstance` does, in 50 µs less."""
    return callable(getattr(model, "count_tokens", None))


def of_text(text: str) -> int:
    """Estimate the tokens of a text."""
    data = text.encode(errors="surrogatepass")
    heavy = len(data.translate(None, _LIGHT))
    return heavy - (heavy - len(data)) // _LIGHT_PER_TOKEN


def of_reply(reply: Reply) -> int:
    """Estimate the tokens of a reply."""
    calls = sum(of_text(call.name + call.arguments) + MESSAGE_TOKENS for call in reply.calls)
    return of_text(reply.text) + of_text(reply.thought) + calls + MESSAGE_TOKENS


def of_messages(messages: Iterable[Message]) -> int:
    """Estimate the tokens of messages."""
    return sum(_of_message(message) for message in messages)


def _of_message(message: Message) -> int:
    total = MESSAGE_TOKENS
    for part in message.parts:
        if isinstance(part, Text):
            total += of_text(part.text)
        elif isinstance(part, Image):
            total += IMAGE_TOKENS
        elif isinstance(part, ToolCall):
            total += of_text(part.name + json.dumps(dict(part.arguments))) + MESSAGE_TOKENS
        else:
            total += of_text(part.content) + MESSAGE_TOKENS + IMAGE_TOKENS * len(part.images)
    return total


def of_tools(request: Request) -> int:
    """Estimate what stands in a request beside its messages: tools, and a schema for the reply."""
    total = 0
    for tool in request.tools:
        schema = json.dumps(dict(tool.parameters))
        total += of_text(tool.name + tool.description + schema) + MESSAGE_TOKENS
    if request.output_schema is not None:
        total += of_text(json.dumps(dict(request.output_schema)))
    return total


@dataclass(slots=True)
class Estimate:
    """The tokens of one conversation's requests, as it grows."""

    counter: Counted | None = None
    """Counts for the model, where that offers it."""
    _messages: tuple[Message, ...] = ()
    """Of the last request that the model has reported the tokens of."""
    _tokens: int = 0

    def of(self, request: Request) -> int:
        """Return the tokens of the request, as far as they can be told."""
        if self.counter is not None:
            return self.counter.count_tokens(request)
        known = len(self._messages)
        if known and request.messages[:known] == self._messages:
            return self._tokens + of_messages(request.messages[known:])
        return of_messages(request.messages) + of_tools(request)

    def learn(self, request: Request, usage: Usage) -> None:
        """Take in what the model reports of a request."""
        if usage.input_tokens:
            self._messages, self._tokens = request.messages, usage.input_tokens
