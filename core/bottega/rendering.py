"""What a tool returned, as text for a model.

Any value goes in; what comes out is bounded, whatever the size of the value, and made without
copying more of it than is shown. A value that cannot be shown is a ToolError naming its type.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
# Values of any type are this file's business.

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import inspect
import json
import pathlib
import uuid
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from bottega.arguments import shorten
from bottega.errors import BottegaError, ToolError
from bottega.messages import Image
from bottega.tools import Output

MAX_CONTENT = 100_000
"""Characters of a result."""
MAX_KEPT = 1_000_000
"""Characters of a result where what is too long to be shown is kept: see `bottega.artifacts`."""
MAX_NESTING = 100
_PLAIN_INT = 10**18
DONE = "done"
"""What a model reads of a tool that returns nothing."""

_SETTLED = frozenset({str, int, float, bool, type(None), list, dict, tuple, Output})
_AS_TEXT = (decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PurePath, datetime.timedelta)
_DATES = (datetime.datetime, datetime.date, datetime.time)
_BYTES = (bytes, bytearray, memoryview)


def render(value: Any, limit: int = MAX_CONTENT) -> Output:
    """Return the value as an output of at most `limit` characters, and a note on what was cut.

    Iterators are drained as far as they are shown. Raises ToolError naming the type of what cannot
    be shown; awaitables must have been awaited by `settle`.
    """
    kind: type[Any] = type(value)
    if kind is str:
        return Output(content=value if len(value) <= limit else _cut(value, limit))
    if kind is int and -_PLAIN_INT < value < _PLAIN_INT:
        return Output(content=str(value), structured=True)
    try:
        return _render(value, limit)
    except BottegaError:
        raise
    except Exception as error:
        raise ToolError(
            f"the tool's result, a {type(value).__name__}, cannot be shown: {describe(error)}"
        ) from error


async def settle(value: Any, limit: int = MAX_CONTENT) -> Any:
    """Await what is still to be awaited: a coroutine, or the items of an async generator."""
    if type(value) in _SETTLED:
        return value
    for _ in range(8):
        if not inspect.isawaitable(value):
            break
        value = await value
        if type(value) in _SETTLED:
            return value
    if isinstance(value, AsyncIterable):
        return await _drain(value, limit)
    return value


def is_settled(value: Any) -> bool:
    """Whether `settle` has nothing to do."""
    if type(value) in _SETTLED:
        return True
    return not inspect.isawaitable(value) and not isinstance(value, AsyncIterable)


def describe(error: BaseException, limit: int = 1_000) -> str:
    """Write an error as `TypeError: message`: no traceback, bounded, whatever the error does."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # an error that cannot say what it is
        text = ""
    return shorten(f"{name}: {text}" if text else name, limit)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _render(value: Any, limit: int) -> Output:  # noqa: PLR0911  # one for each kind of value
    if isinstance(value, Output):
        if type(value.content) is str and len(value.content) <= limit:
            return value
        content = value.content if _is_text(value.content) else render(value.content).content
        return dataclasses.replace(value, content=_cut(content, limit))
    if value is None:
        return Output(content=DONE, structured=True)
    if isinstance(value, str):
        return Output(content=_cut(str.__str__(value), limit))
    if isinstance(value, Iterator):
        return _render_items(value, limit)
    plain = _Plain(limit)
    found = plain.of(value)
    images = tuple(plain.images)
    if isinstance(found, str):
        return Output(content=_cut(found, limit), images=images)
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    content = _cut(text, limit, more=plain.full)
    return Output(content=content, images=images, structured=content == text)


def _render_items(items: Iterator[Any], limit: int) -> Output:
    """Write each item on lines of its own."""
    outputs: list[Output] = []
    room = limit
    for item in items:
        outputs.append(render(item, limit))
        room -= len(outputs[-1].content) + 1
        if room < 0:
            break
    text = "\n".join(output.content for output in outputs)
    close: Any = getattr(items, "close", None)
    if room < 0 and close is not None:
        close()
    return Output(
        content=_cut(text, limit, more=room < 0),
        images=tuple(image for output in outputs for image in output.images),
        citations=tuple(item for output in outputs for item in output.citations),
    )


async def _drain(items: AsyncIterable[Any], limit: int) -> Iterator[Any]:
    """Take items until there are more than can be shown."""
    kept: list[Any] = []
    room = limit
    async for item in items:
        kept.append(item)
        room -= len(item) + 1 if isinstance(item, str) else 1
        if room < 0:
            break
    close = getattr(items, "aclose", None)
    if close is not None:
        await close()
    return iter(kept)


def _cut(text: str, limit: int, *, more: bool = False) -> str:
    if len(text) <= limit:
        return f"{text}\n[cut here: there is more]" if more else text
    left_out = "the rest is" if more else f"{len(text) - limit:,} more characters are"
    return f"{text[:limit]}\n[cut here: {left_out} not shown]"


class _Plain:
    """Copies a value into what JSON has, as far as it will be shown."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._room = limit
        self._path: set[int] = set()
        self.images: list[Image] = []

    @property
    def full(self) -> bool:
        """There was more than is shown."""
        return self._room < 0

    def of(self, value: Any) -> Any:
        self._room -= 1
        kind: type[Any] = type(value)
        if value is None or kind is int or kind is bool or kind is float:
            return value
        if isinstance(value, str):
            short = str.__getitem__(value, slice(self._limit + 1))
            self._room -= len(short)
            return short
        if isinstance(value, enum.Enum):
            return self.of(value.value)
        if isinstance(value, (bool, int, float)):
            return int(value) if isinstance(value, int) else float(value)
        simple = self._simple(value)
        return self._nested(value) if simple is None else simple

    def _simple(self, value: Any) -> str | None:
        if isinstance(value, _DATES):
            return value.isoformat()
        if isinstance(value, _AS_TEXT):
            return str(value)
        if isinstance(value, _BYTES):
            return f"[{memoryview(value).nbytes:,} bytes of binary data]"
        if isinstance(value, Image):
            self.images.append(value)
            return f"[image {len(self.images)}]"
        return None

    def _nested(self, value: Any) -> Any:
        mark = id(value)
        if mark in self._path:
            raise ToolError(f"the tool's result holds a {type(value).__name__} that holds itself")
        if len(self._path) >= MAX_NESTING:
            raise ToolError(f"the tool's result is nested more than {MAX_NESTING} levels deep")
        self._path.add(mark)
        try:
            return self._container(value)
        finally:
            self._path.discard(mark)

    def _container(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self._object(value.items())
        if hasattr(type(value), "__pydantic_fields__") and hasattr(value, "model_dump"):
            return self.of(value.model_dump(mode="json"))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return self._object((item.name, getattr(value, item.name)) for item in fields)
        as_dict: Any = getattr(value, "_asdict", None)  # a named tuple
        if isinstance(value, tuple) and as_dict is not None:
            return self._object(as_dict().items())
        if isinstance(value, (Sequence, Set, Iterator)) or type(value).__name__ == "dict_values":
            items: Any = value
            return self._list(items)
        to_list: Any = getattr(value, "tolist", None)  # arrays, of whatever library
        if to_list is not None and not isinstance(value, type):
            return self.of(to_list())
        raise ToolError(
            f"the tool's result holds a {type(value).__name__}, which has no text form",
            hint="return text, numbers, lists, dicts or dataclasses",
        )

    def _object(self, items: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in items:
            if self._room < 0:
                break
            found[self._key(key)] = self.of(item)
        return found

    def _list(self, items: Iterable[Any]) -> list[Any]:
        found: list[Any] = []
        for item in items:
            if self._room < 0:
                break
            found.append(self.of(item))
        return found

    def _key(self, key: Any) -> str:
        if isinstance(key, str):
            return str(self.of(key))
        plain = self.of(key)
        return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
