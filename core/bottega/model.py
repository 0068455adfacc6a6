"""The seam behind which every language model stands.

A model takes a `Request` and streams `Delta`s, the last of which is an `End`. What the words mean
is the dialect's business; retries, caches and limits are middleware around `respond`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from bottega.errors import ModelReplyError
from bottega.messages import Citation, Json, Message

FinishReason = Literal["stop", "tool_calls", "length", "filter", "abstain"]
"""Why a reply ended: `length` is cut at a token limit, `filter` withheld by the server, `abstain`
an honest "I cannot tell" from a model that knows when it does not know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolSpec:
    """What a model is told about a tool."""

    name: str
    description: str
    parameters: Mapping[str, Json]
    """JSON Schema of the arguments: an object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How the next token is chosen; None leaves the backend's own default."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    beams: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One question to a model."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    output_schema: Mapping[str, Json] | None = None
    """JSON Schema that the text of the reply must satisfy, where the backend can see to it."""
    sampling: Sampling = Sampling()
    deadline: float | None = None
    """`time.monotonic()` at which the caller stops waiting; a backend must not outlast it."""
    tokens_left: int | None = None
    """Tokens that the caller's budget still has; of use to models that ask others several times."""

    def seconds_left(self) -> float | None:
        """Return the seconds until the deadline, never below zero; None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of one reply, or of many added up; None means that the backend did not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the input, those that the server had in its cache, where it says so."""

    @property
    def total(self) -> int:
        """Known tokens in and out."""
        return (self.input_tokens or 0) + (self.output_tokens or 0)

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=_add(self.input_tokens, other.input_tokens),
            output_tokens=_add(self.output_tokens, other.output_tokens),
            cached_tokens=_add(self.cached_tokens, other.cached_tokens),
        )


def _add(left: int | None, right: int | None) -> int | None:
    return right if left is None else left if right is None else left + right


@dataclass(frozen=True, kw_only=True, slots=True)
class TextDelta:
    """More of the reply's text."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ThoughtDelta:
    """More of the model's reasoning, where the backend shows it apart from the text."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CallDelta:
    """More of a tool call; deltas of one `index` belong together, their `arguments` are joined."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    """A piece of the arguments' JSON text, as the model writes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Restart:
    """What came so far is void: the reply begins anew, after a retry or on another model."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """The exact tokens of a reply, from backends that own them; what training reads."""

    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    logprobs: tuple[float, ...] = ()
    """Natural logarithm of each completion token's probability."""
    template_hash: str = ""
    adapter_hash: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """The last delta: a stream without one was cut."""

    finish: FinishReason = "stop"
    usage: Usage = Usage()
    cost: float | None = None
    """US dollars that the reply cost, where the server or the model says so."""
    model: str = ""
    """The name that the server says it answered with."""
    tokens: Tokens | None = None
    citations: tuple[Citation, ...] = ()
    """Passages that the model itself says its text rests on; the text points at them by key."""


Delta = TextDelta | ThoughtDelta | CallDelta | Restart | End


@runtime_checkable
class Model(Protocol):
    """A language model.

    One that writes nothing of its own, but reads answers out of tool results, has an attribute
    `extractive` that is true: it is not asked for plans or queries in words.
    """

    @property
    def name(self) -> str:
        """How users name it, such as `openai:gpt-5-mini`."""
        ...

    def respond(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the reply; the last delta is an `End`.

        Raises ModelError. Closing the iterator stops the work at once.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RawCall:
    """A tool call as the model wrote it."""

    id: str
    name: str
    arguments: str
    """JSON text, not yet parsed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A whole reply, put together from its deltas."""

    text: str = ""
    thought: str = ""
    calls: tuple[RawCall, ...] = ()
    end: End = End()


@dataclass(slots=True)
class ReplyBuilder:
    """Put deltas together to a `Reply`."""

    limit: int = 4_000_000
    """Most characters a reply may have; an endless stream stops here."""
    _text: list[str] = field(default_factory=list)
    _thought: list[str] = field(default_factory=list)
    _calls: dict[int, list[str]] = field(default_factory=dict)
    _size: int = 0
    _end: End | None = None

    @property
    def so_far(self) -> Reply:
        """What has come of text and thought; calls that may be half written are left out."""
        return Reply(text="".join(self._text), thought="".join(self._thought))

    def add(self, delta: Delta) -> None:
        """Take the next delta. Raises ModelReplyError when the reply outgrows its limit."""
        if isinstance(delta, End):
            self._end = delta
            return
        if isinstance(delta, CallDelta):
            self._add_call(delta)
            return
        if isinstance(delta, Restart):
            self._restart()
            return
        (self._text if isinstance(delta, TextDelta) else self._thought).append(delta.text)
        self._grow(len(delta.text))

    def _add_call(self, delta: CallDelta) -> None:
        call = self._calls.setdefault(delta.index, ["", "", ""])
        call[0] = call[0] or delta.id
        call[1] = call[1] or delta.name
        call[2] += delta.arguments
        self._grow(len(delta.arguments))

    def _restart(self) -> None:
        self._text.clear()
        self._thought.clear()
        self._calls.clear()
        self._size = 0

    def _grow(self, characters: int) -> None:
        self._size += characters
        if self._size > self.limit:
            raise ModelReplyError(f"the reply is longer than {self.limit:,} characters")

    def build(self) -> Reply:
        """Return the reply. Raises ModelReplyError when the stream was cut."""
        if self._end is None:
            raise ModelReplyError("the model's stream was cut before its end", retryable=True)
        calls = tuple(RawCall(id=c[0], name=c[1], arguments=c[2]) for c in self._calls.values())
        return Reply(
            text="".join(self._text), thought="".join(self._thought), calls=calls, end=self._end
        )


async def collect(deltas: AsyncIterator[Delta], builder: ReplyBuilder | None = None) -> Reply:
    """Read a stream to its end. Raises ModelReplyError when it was cut or outgrows its limit.

    A caller who gives the builder can see what had come when the stream did not reach its end.
    """
    builder = builder or ReplyBuilder()
    try:
        async for delta in deltas:
            builder.add(delta)
    finally:
        close = getattr(deltas, "aclose", None)
        if close is not None:
            await close()
    return builder.build()
