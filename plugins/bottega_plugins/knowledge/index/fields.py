"""What filters can ask for: the fields of a document and of its passages, one value a row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import cast

from bottega.messages import Json
from bottega_plugins.knowledge.documents.chunk import Chunk
from bottega_plugins.knowledge.index.record import NewDocument

Value = str | int | float
Row = tuple[str, Value, int, int]
"""A field, its value, the first passage that has it and one past the last."""

_LARGEST = 2**63 - 1
"""SQLite's integers have 64 bits."""


def rows(document: NewDocument, first: int) -> Iterator[Row]:
    """Yield the rows of a document whose passages are numbered from `first`.

    Source, title and format are in the catalogue's table of documents already. A list has a row
    for each of its values, and what is in an object is called `outer.inner`.
    Neighbours that share a value share a row.
    """
    info = document.info
    stop = first + len(document.chunks)
    for key, value in _flat(info.metadata):
        yield key, value, first, stop
    began: dict[tuple[str, Value], int] = {}
    for number, (here, after) in enumerate(pairwise([*map(_of_chunk, document.chunks), set()])):
        for pair in here:
            began.setdefault(pair, first + number)
        for pair in here - after:
            yield *pair, began.pop(pair), first + number + 1


def _of_chunk(chunk: Chunk) -> set[tuple[str, Value]]:
    told: dict[str, Json] = {**chunk.metadata}
    if chunk.heading:
        told["heading"] = chunk.heading
    if chunk.page:
        told["page"] = chunk.page
    return set(_flat(told))


def _flat(told: Mapping[str, Json]) -> Iterator[tuple[str, Value]]:
    waiting = list(told.items())
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, Mapping):
            inner = cast("Mapping[str, Json]", value)
            waiting += [(f"{key}.{name}", each) for name, each in inner.items()]
        elif isinstance(value, list | tuple):
            waiting += [(key, each) for each in cast("Sequence[Json]", value)]
        else:
            yield from _plain(key, value)


def _plain(key: str, value: Json) -> Iterable[tuple[str, Value]]:
    if isinstance(value, str):
        return [(storable(key), storable(value))]
    if isinstance(value, bool | int) and abs(value) <= _LARGEST:
        return [(storable(key), int(value))]
    if isinstance(value, int | float) and math.isfinite(value):
        return [(storable(key), float(value))]
    return []


def storable(text: str) -> str:
    """Return the text without lone surrogates, which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
