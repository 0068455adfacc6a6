"""What a document says of itself, as values that filters can compare.

Names are in lower case with `_` between words. Values are whole numbers, truth values, texts and
lists of texts; dates are texts as ISO 8601 writes them, so that they sort by time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from bottega.messages import Json

OWN_FIELDS = ("format", "heading", "line", "page", "source", "title")
"""What is known of every passage without metadata, which therefore cannot have these names."""
_TITLE = "title"
_MOST_FACTS = 64
_LONGEST_NAME = 64
_LONGEST_TEXT = 500
_MOST_IN_LIST = 100
_DEEPEST = 3
_NOT_OF_A_NAME = re.compile(r"[^\w.]+")
_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,14})\Z")
_DATE = re.compile(r"([0-9]{1,2})[-. ]([A-Za-z]{3,9})[-., ] ?([0-9]{4})$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None}


def facts(values: Mapping[Any, Any]) -> dict[str, Json]:
    """Return what filters can use of any mapping, within bounds; nested names are joined by `.`.

    The title is left out, being told as such. Another name of `OWN_FIELDS` is put under `header.`.
    """
    found: dict[str, Json] = {}
    for name, value in _flat("", values, 0):
        if name and name != _TITLE and len(found) < _MOST_FACTS:
            found.setdefault(f"header.{name}" if name in OWN_FIELDS else name, value)
    return found


def typed(text: str) -> int | str:
    """Return a whole number, a day such as `02-Jun-2017` as `2017-06-02`, or the text.

    A number with a point stays a text: `3.10` is a version more often than a number.
    """
    if _INTEGER.match(text):
        return int(text)
    match = _DATE.match(text)
    if match and match[2][:3].lower() in _MONTHS:
        return f"{match[3]}-{_MONTHS.index(match[2][:3].lower()) + 1:02}-{int(match[1]):02}"
    return text


def as_written(text: str) -> int | str | None:
    """Return the text itself, or a value that can be written in no other way.

    Those are whole numbers without leading zeros, `true`, `false`, and nothing as `null` or `~`.
    """
    if _INTEGER.match(text):
        return int(text)
    return _WORDS.get(text, text)


def _flat(prefix: str, values: Mapping[Any, Any], depth: int) -> Iterator[tuple[str, Json]]:
    for key, value in list(values.items())[:_MOST_FACTS]:
        name = _NOT_OF_A_NAME.sub("_", f"{prefix}{key}".lower()).strip("_.")[:_LONGEST_NAME]
        if _is_dict(value) and depth < _DEEPEST:
            yield from _flat(f"{name}.", value, depth + 1)
        elif _is_list(value):
            items = value[:_MOST_IN_LIST]
            texts = [text for item in items if (text := _text(item))]
            within = _gathered(items)
            if texts or not within:
                yield name, texts
            if within and depth < _DEEPEST:
                yield from _flat(f"{name}.", within, depth + 1)
        elif (plain := _plain(value)) != "":
            yield name, plain


def _gathered(items: Sequence[Any]) -> dict[Any, list[Any]]:
    """Return what the mappings among the items say: for each name a list of their values."""
    found: dict[Any, list[Any]] = {}
    for item in items:
        if _is_dict(item):
            for key, value in item.items():
                found.setdefault(key, []).extend(value if _is_list(value) else [value])
    return found


def _is_dict(value: Any) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _plain(value: Any) -> Json:
    return value if isinstance(value, int) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = "" if value is None or _is_dict(value) or _is_list(value) else str(value)
    return shown[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
