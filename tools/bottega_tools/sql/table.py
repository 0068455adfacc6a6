"""Rows as text: one JSON array a line, which tells numbers from texts and ends from line feeds."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bottega.escape import plain

_BYTES_SHOWN = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How much of a result is shown."""

    rows: int = 100
    width: int = 500
    """Characters of one value."""
    characters: int = 40_000
    """Of all rows together."""


def lines(names: Sequence[str], rows: Iterable[Sequence[object]], bounds: Bounds) -> Iterator[str]:
    """Yield a line of names, a line for each row, and a note on what is there beyond them."""
    yield _row(names, bounds.width)
    room, count = bounds.characters, 0
    for row in rows:
        line = _row(row, bounds.width)
        room -= len(line) + 1
        if count == bounds.rows or (room < 0 and count):
            yield f"[cut here after {count:,} rows: there are more]"
            return
        count += 1
        yield line
    yield f"[{count:,} row{'' if count == 1 else 's'}]"


def _row(values: Iterable[object], width: int) -> str:
    return f"[{', '.join(_value(value, width) for value in values)}]"


def _value(value: object, width: int) -> str:  # noqa: PLR0911  # one for each kind of value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'"{value}"'
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else f'"{value}"'
    if isinstance(value, bytes):
        return _binary(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return f'"{value.isoformat()}"'
    if isinstance(value, (dict, list, tuple)):
        return _cut(json.dumps(value, ensure_ascii=False, default=str), width, quoted=False)
    return _cut(str(value), width)


def _binary(data: bytes) -> str:
    more = "…" if len(data) > _BYTES_SHOWN else ""
    return f"\"x'{data[:_BYTES_SHOWN].hex()}{more}' ({len(data):,} bytes)\""


def _cut(text: str, width: int, *, quoted: bool = True) -> str:
    """Write a text as JSON, safe to show; one that is cut says by how much."""
    left = len(text) - width
    shown = plain(text[:width])
    if left > 0:
        return f"{json.dumps(shown + '…', ensure_ascii=False)} (+{left:,} characters)"
    return json.dumps(shown, ensure_ascii=False) if quoted else shown
