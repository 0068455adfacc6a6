"""The values of a JSON text with their places, in one pass without recursion.

The json module tells no places, and nests as deep as the text does. Numbers are never made: their
digits are the text that is searched. Besides JSON, bare words such as NaN are taken as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from json import JSONDecodeError

from bottega_plugins.knowledge.documents.skipped import SkippedError

_DEEPEST = 1_000
_LONGEST_LABEL = 160
_SPACE = re.compile(r"[ \t\r\n]*")
_read_string: Callable[[str, int, bool], tuple[str, int]] = import_module("json.decoder").scanstring
"""In C; it has no types."""
_BARE = re.compile(r'[^\s,:"\[\]{}]{1,1000}')


@dataclass(frozen=True, slots=True)
class Found:
    """A value, or the beginning of an object or an array."""

    label: str
    """The keys above it, joined by `.`; arrays add nothing."""
    value: str
    """A string's text, another value as written; empty for objects and arrays."""
    start: int
    end: int
    depth: int
    """How many objects and arrays it stands in."""
    kind: str
    """`"` for a string, `{` or `[` for what begins, else empty."""
    in_array: bool


def scan(text: str, position: int = 0, *, whole: bool = True) -> Iterator[Found]:
    """Yield what a JSON value has in it, in order; nothing but blanks may follow if `whole`.

    Raises SkippedError, naming the line, where the text is not JSON.
    """
    stack: list[tuple[str, str]] = []  # what is open: "{" or "[", and the label of its values
    label = ""
    while True:
        position = _skip(text, position)
        mark = text[position : position + 1]
        in_array = bool(stack) and stack[-1][0] == "["
        if mark and mark in "{[":
            yield Found(label, "", position, position + 1, len(stack), mark, in_array)
            if len(stack) == _DEEPEST:
                raise SkippedError(f"JSON nested more than {_DEEPEST:,} deep")
            stack.append((mark, label))
            position = _skip(text, position + 1)
            if text[position : position + 1] not in ("}", "]"):
                if mark == "{":
                    label, position = _key(text, position, stack[-1][1])
                continue
        else:
            value, end = _scalar(text, position)
            kind = '"' if mark == '"' else ""
            yield Found(label, value, position, end, len(stack), kind, in_array)
            position = end
        position, done = _leave(text, position, stack)
        if done:
            break
        label = stack[-1][1]
        if stack[-1][0] == "{":
            label, position = _key(text, _skip(text, position), label)
    if whole and _skip(text, position) < len(text):
        raise _broken(text, position, "something follows the value")


def _leave(text: str, position: int, stack: list[tuple[str, str]]) -> tuple[int, bool]:
    """Close what ends after a value; return where the next one begins, and whether none does."""
    while stack:
        position = _skip(text, position)
        mark = text[position : position + 1]
        position += 1
        if mark == ",":
            return position, False
        if mark != ("}" if stack[-1][0] == "{" else "]"):
            raise _broken(text, position - 1, "a comma or a closing bracket was expected")
        stack.pop()
    return position, True


def _key(text: str, position: int, above: str) -> tuple[str, int]:
    if text[position : position + 1] != '"':
        raise _broken(text, position, "a key in double quotes was expected")
    key, position = _string(text, position)
    position = _skip(text, position)
    if text[position : position + 1] != ":":
        raise _broken(text, position, "a colon was expected")
    return f"{above}.{key}"[-_LONGEST_LABEL:] if above else key[:_LONGEST_LABEL], position + 1


def _scalar(text: str, position: int) -> tuple[str, int]:
    if text[position : position + 1] == '"':
        return _string(text, position)
    match = _BARE.match(text, position)
    if match is None:
        raise _broken(text, position, "a value was expected")
    return match[0], match.end()


def _string(text: str, position: int) -> tuple[str, int]:
    try:
        value, end = _read_string(text, position + 1, False)  # the name is another in C
    except JSONDecodeError as error:
        raise _broken(text, position, error.msg) from None
    return value, end


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _broken(text: str, position: int, why: str) -> SkippedError:
    return SkippedError(f"broken JSON in line {text.count(chr(10), 0, position) + 1}: {why}")
