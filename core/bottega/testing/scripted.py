"""A model that says what a test tells it to say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass

from bottega.messages import Json
from bottega.model import (
    CallDelta,
    Delta,
    End,
    FinishReason,
    Request,
    TextDelta,
    ThoughtDelta,
    Usage,
)
from bottega.price import Price


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A tool call in a scripted reply."""

    name: str
    arguments: Mapping[str, Json] | str
    """An object, or JSON text exactly as it should arrive: broken, if the test wants that."""
    id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Say:
    """One scripted reply."""

    text: str = ""
    thought: str = ""
    calls: tuple[Call, ...] = ()
    finish: FinishReason = "stop"
    usage: Usage = Usage(input_tokens=10, output_tokens=5)
    chunk: int = 0
    """Characters per text delta; 0 for all at once."""
    delay: float = 0.0
    """Seconds before each delta."""
    cut: bool = False
    """End the stream without an `End`."""


Script = str | Say | Call | BaseException | Callable[[Request], "str | Say | Call | BaseException"]
"""A reply: text, a call, a whole `Say`, an error to raise, or a function of the request."""


class ScriptedModel:
    """Play one reply a request, in order; raise AssertionError when there is none left.

    `repeat=True` plays the last reply again and again. What was asked is in `requests`. Without a
    price it is a model whose price nobody knows.
    """

    def __init__(
        self,
        *script: Script,
        name: str = "scripted",
        repeat: bool = False,
        price: Price | None = None,
    ) -> None:
        self.name = name
        self.price = price
        self.requests: list[Request] = []
        self._script: list[Script] = list(script)
        self._repeat = repeat
        self._next = 0

    def cost(self, usage: Usage) -> float | None:
        """Return what the tokens cost by its price."""
        return None if self.price is None else self.price.cost(usage)

    def respond(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the next reply."""
        self.requests.append(request)
        return _play(self._take(request))

    def _take(self, request: Request) -> Say | BaseException:
        if self._next >= len(self._script) and not (self._repeat and self._script):
            raise AssertionError(f"the script has no reply for request {len(self.requests)}")
        item = self._script[min(self._next, len(self._script) - 1)]
        self._next += 1
        if callable(item) and not isinstance(item, BaseException):
            item = item(request)
        if isinstance(item, str):
            return Say(text=item)
        if isinstance(item, Call):
            return Say(calls=(item,), finish="tool_calls")
        return item


def call(name: str, /, **arguments: Json) -> Call:
    """Make a scripted tool call."""
    return Call(name=name, arguments=arguments)


def calls(items: Iterable[Call], *, text: str = "") -> Say:
    """Make a scripted reply of several calls at once."""
    return Say(text=text, calls=tuple(items), finish="tool_calls")


async def _play(item: Say | BaseException) -> AsyncIterator[Delta]:
    if isinstance(item, BaseException):
        raise item
    for delta in _deltas(item):
        if item.delay:
            await asyncio.sleep(item.delay)
        yield delta


def _deltas(say: Say) -> Iterable[Delta]:
    if say.thought:
        yield ThoughtDelta(text=say.thought)
    size = say.chunk or max(1, len(say.text))
    for start in range(0, len(say.text), size):
        yield TextDelta(text=say.text[start : start + size])
    for index, item in enumerate(say.calls):
        plain = isinstance(item.arguments, str)
        text = str(item.arguments) if plain else json.dumps(item.arguments)
        yield CallDelta(index=index, id=item.id, name=item.name, arguments=text)
    if not say.cut:
        yield End(finish=say.finish, usage=say.usage, model="scripted")
