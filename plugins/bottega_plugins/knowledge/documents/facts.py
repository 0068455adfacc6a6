"""What a document says of itself, as values that filters can compare.

Names are in lower case with `_` between words. Values are numbers, truth values, texts and lists of
texts; dates are texts as ISO 8601 writes them, so that they sort by time.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from bottega.messages import Json

_MOST_FACTS = 64
_LONGEST_NAME = 64
_LONGEST_TEXT = 500
_MOST_IN_LIST = 100
_DEEPEST = 3
_NOT_OF_A_NAME = re.compile(r"[^0-9a-z_.]+")
_OWN_FIELDS = frozenset(("title", "source", "format", "heading", "page"))
"""Told by the document's other fields."""
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})$")
_DATE = re.compile(r"([0-9]{1,2})[-. ]([A-Za-z]{3,9})[-., ] ?([0-9]{4})$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def facts(values: Mapping[Any, Any]) -> dict[str, Json]:
    """Return what filters can use of any mapping, within bounds; nested names are joined by `.`."""
    found: dict[str, Json] = {}
    for name, value in _flat("", values, 0):
        if name and name not in _OWN_FIELDS and len(found) < _MOST_FACTS:
            found.setdefault(name, value)
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


def _flat(prefix: str, values: Mapping[Any, Any], depth: int) -> Iterator[tuple[str, Json]]:
    for key, value in list(values.items())[:_MOST_FACTS]:
        name = _NOT_OF_A_NAME.sub("_", f"{prefix}{key}".lower()).strip("_.")[:_LONGEST_NAME]
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _flat(f"{name}.", cast("Mapping[Any, Any]", value), depth + 1)
        elif isinstance(value, (list, tuple, set)):
            texts = [_text(item) for item in list(cast("list[Any]", value))[:_MOST_IN_LIST]]
            yield name, [text for text in texts if text]
        elif value is not None and value != "":
            yield name, _plain(value)


def _plain(value: Any) -> Json:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 1 << 53):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, int) and abs(value) >= 1 << 53:
        return f"{value:x}"[:_LONGEST_TEXT] if value.bit_length() > 4_000 else str(value)
    shown = "" if isinstance(value, (dict, list)) else str(value)
    return shown[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
