"""A reply out of its bytes: a stream of events, or one JSON object from servers that do not stream.

Does no I/O: feed it pieces as they come. It never trusts the content type, only what is there, and
raises ModelError for everything that is no whole reply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from bottega.errors import ModelError, ModelReplyError
from bottega.messages import Json
from bottega.model import (
    CallDelta,
    Delta,
    End,
    FinishReason,
    TextDelta,
    ThoughtDelta,
    Usage,
)
from bottega_plugins.models.openai.chunks import Calls, clean, cost_of, deltas_of, usage_of
from bottega_plugins.models.openai.parsing import parsed
from bottega_plugins.models.openai.redaction import Redactor
from bottega_plugins.models.openai.shapes import is_array, is_object
from bottega_plugins.models.openai.sse import EventParser

MAX_CHARACTERS = 4_000_000
"""Most characters a reply may have: what `bottega.model.collect` takes."""
MAX_BYTES = 128_000_000
"""Most bytes a stream may have, comments and framing included."""
MAX_BODY = 8_000_000
"""Most bytes a reply in one piece may have; parsed, it can take twenty times as much memory."""
_CALL_COST = 64
"""Characters that a piece of a call counts beside its own."""
_FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filter",
}
_FAILED = frozenset({"error", "abort", "cancelled"})
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
Form = Literal["unknown", "events", "json"]


class ReplyReader:
    """Give the deltas of one reply; `done` when its end has been seen."""

    def __init__(
        self,
        redactor: Redactor,
        failure: Callable[[Json], ModelError],
        *,
        content_type: str = "",
        limit: int = MAX_CHARACTERS,
    ) -> None:
        self.done = False
        self._redactor = redactor
        self._failure = failure
        self._content_type = content_type.partition(";")[0].strip().lower()
        self._limit = limit
        self._form: Form = "unknown"
        self._head = b""
        self._body: list[bytes] = []
        self._parser = EventParser()
        self._calls = Calls()
        self._bytes = 0
        self._characters = 0
        self._finish: FinishReason | None = None
        self._usage = Usage()
        self._cost: float | None = None
        self._model = ""

    @property
    def complete(self) -> bool:
        """Whether the model is through, even if the stream has not been ended properly."""
        return self._finish is not None

    def feed(self, piece: bytes) -> list[Delta]:
        """Take the next bytes. Raises ModelError."""
        self._grow_bytes(len(piece))
        if self._form == "unknown":
            self._head += piece
            self._form = self._recognise(at_end=False)
            if self._form == "unknown":
                self._head = self._head.lstrip()
                return []
            piece, self._head = self._head, b""
        if self._form == "json":
            self._body.append(piece)
            return []
        return [delta for data in self._parser.feed(piece) for delta in self._event(data)]

    def close(self) -> list[Delta]:
        """Take the end of the bytes; the last delta is the End. Raises ModelError."""
        if self._form == "unknown":
            self._form = self._recognise(at_end=True)
            head, self._head = self._head, b""
            if not head.strip():
                raise ModelReplyError("the server's reply is empty", retryable=True)
            return [*(self.feed(head) if head else []), *self.close()]
        if self._form == "json":
            return self._whole(b"".join(self._body))
        try:
            deltas = [delta for data in self._parser.close() for delta in self._event(data)]
        except ModelReplyError:
            if not self.complete:
                raise self._cut() from None
            deltas = []
        if not self.done:
            if not self.complete:
                raise self._cut()
            deltas += self._ended()
        return deltas

    def _recognise(self, *, at_end: bool) -> Form:
        head = self._head.removeprefix(b"\xef\xbb\xbf").lstrip()
        if head.startswith(b"<"):
            raise ModelReplyError(
                f"the server sent a web page instead of a reply: {self._shown(head)!r}",
                hint="does the base URL end where the API begins, usually in /v1?",
            )
        if head.startswith((b"{", b"[", b'"')):
            return "json"
        if head.startswith(_FIELDS):
            return "events"
        if len(head) < max(map(len, _FIELDS)) and not at_end:
            return "unknown"
        if not head or self._content_type == "text/event-stream":
            return "events"
        if self._content_type.endswith("json"):
            return "json"
        raise ModelReplyError(
            f"the server's reply is neither JSON nor a stream of events: {self._shown(head)!r}",
            retryable=True,
        )

    def _event(self, data: bytes) -> list[Delta]:
        if self.done or not data.strip():
            return []
        if data.strip() == b"[DONE]":
            return self._ended()
        return self._chunk(parsed(data, self._redactor))

    def _whole(self, body: bytes) -> list[Delta]:
        """Read a reply that came in one piece."""
        reply = parsed(body, self._redactor)
        choice = _first(reply.get("choices")) or {}
        failed = bool(reply.get("error")) or reply.get("object") == "error"
        if not failed and not is_object(choice.get("message", choice.get("delta"))):
            raise ModelReplyError(
                f"the server's reply holds no message: {self._shown(body)}", retryable=True
            )
        return [*self._chunk(reply), *self._ended()]

    def _chunk(self, chunk: Mapping[str, Json]) -> list[Delta]:
        error = chunk.get("error") or (chunk if chunk.get("object") == "error" else None)
        if error:
            raise self._failure(error)
        self._usage = usage_of(chunk) or self._usage
        self._cost = cost_of(chunk) if self._cost is None else self._cost
        model = chunk.get("model")
        self._model = clean(model) if isinstance(model, str) and model else self._model
        choices = chunk.get("choices")
        if choices is not None and not is_array(choices):
            raise ModelReplyError(
                f"the reply's choices are of type {type(choices).__name__}, not a list"
            )
        choice = _first(choices)
        if choice is None:
            return []
        part = choice.get("delta") or choice.get("message")
        deltas = list(deltas_of(part, self._calls)) if is_object(part) else []
        for delta in deltas:
            self._grow(delta)
        finish = choice.get("finish_reason")
        if finish is not None:
            self._finish = self._finish_reason(finish)
        return deltas

    def _finish_reason(self, given: Json) -> FinishReason:
        if isinstance(given, str) and given in _FAILED:
            raise ModelReplyError(f"the server gave up with {given!r}", retryable=True)
        known = _FINISH.get(given, "stop") if isinstance(given, str) else "stop"
        return "tool_calls" if known == "stop" and len(self._calls) else known

    def _ended(self) -> list[Delta]:
        """Make the End. Some servers say `[DONE]` without a finish reason: what came is whole."""
        if self._finish is None and not self._characters:
            raise ModelReplyError("the server ended its reply without a message", retryable=True)
        self.done = True
        finish = self._finish or ("tool_calls" if len(self._calls) else "stop")
        return [End(finish=finish, usage=self._usage, cost=self._cost, model=self._model)]

    def _cut(self) -> ModelReplyError:
        return ModelReplyError(
            f"the server's stream was cut after {self._characters:,} characters, before its end",
            retryable=True,
        )

    def _grow(self, delta: Delta) -> None:
        if isinstance(delta, (TextDelta, ThoughtDelta)):
            self._characters += len(delta.text)
        elif isinstance(delta, CallDelta):
            size = len(delta.arguments) + len(delta.name) + len(delta.id)
            self._characters += size + _CALL_COST
        if self._characters > self._limit:
            raise ModelReplyError(f"the reply is longer than {self._limit:,} characters")

    def _grow_bytes(self, size: int) -> None:
        self._bytes += size
        most = MAX_BODY if self._form == "json" else MAX_BYTES
        if self._bytes > most:
            raise ModelReplyError(f"the server's reply is longer than {most:,} bytes")

    def _shown(self, data: bytes) -> str:
        return self._redactor.excerpt_bytes(data)


def _first(choices: Json) -> Mapping[str, Json] | None:
    """Return the first of the alternatives; more than one is never asked for."""
    if not is_array(choices):
        return None
    for choice in choices:
        if is_object(choice) and choice.get("index") in (0, None):
            return choice
    return None
