"""Vectors out of the bytes of an embeddings reply; everything else is a ModelReplyError.

Reference: https://platform.openai.com/docs/api-reference/embeddings/object. Does no I/O.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bottega.errors import ModelError, ModelReplyError
from bottega.messages import Json
from bottega_plugins.models.openai.parsing import parsed
from bottega_plugins.models.openai.redaction import Redactor
from bottega_plugins.models.openai.shapes import is_array, is_object

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_DIMENSIONS = 65_536
Failure = Callable[[Json], ModelError]


def read_vectors(
    body: bytes, count: int, redactor: Redactor, failure: Failure
) -> NDArray[np.float32]:
    """Return the vectors of `count` texts in their order, shape (count, dimension), length 1.

    Each may be a list of numbers, or little-endian float32 in base64. Raises ModelError.
    """
    import numpy as np

    reply = parsed(body, redactor)
    if reply.get("error") or reply.get("object") == "error":
        raise failure(reply.get("error") or dict(reply))
    rows = [_vector(item, place) for place, item in enumerate(_items(reply, count))]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) != 1:
        raise _wrong(f"vectors of different dimensions: {lengths[0]} and {lengths[-1]}")
    vectors: NDArray[np.float64] = np.stack(rows)
    largest = np.abs(vectors).max(axis=1, keepdims=True)  # squares may overflow
    if not largest.all():
        raise _wrong("a vector of zeros only")
    vectors = vectors / largest
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32)


def _items(reply: Mapping[str, Json], count: int) -> Sequence[Mapping[str, Json]]:
    """Return what stands for each text, by the index that the server gave it."""
    data = reply.get("data")
    if not is_array(data):
        raise _wrong("no list of vectors")
    items = [item for item in data if is_object(item)]
    if len(items) != count or len(data) != count:
        raise _wrong(f"{len(data):,} vectors for {count:,} texts")
    if not any("index" in item for item in items):
        return items
    by_index = {item.get("index"): item for item in items if type(item.get("index")) is int}
    if by_index.keys() != set(range(count)):
        raise _wrong(f"indexes that are not those of the {count:,} texts")
    return [by_index[place] for place in range(count)]


def _vector(item: Mapping[str, Json], place: int) -> NDArray[np.float64]:
    import numpy as np

    given = item.get("embedding")
    try:
        row = _numbers(given)
    except (ValueError, TypeError, OverflowError):
        raise _wrong(f"something else than numbers as vector {place}") from None
    if row.ndim != 1 or not 0 < len(row) <= MOST_DIMENSIONS:
        raise _wrong(f"something else than numbers as vector {place}")
    if not np.isfinite(row).all():
        raise _wrong(f"a vector {place} with numbers that are not finite")
    return row.astype(np.float64)


def _numbers(given: Json) -> NDArray[Any]:
    """Return the numbers. Raises ValueError, TypeError or OverflowError."""
    import numpy as np

    if isinstance(given, str):
        try:
            return np.frombuffer(base64.b64decode(given, validate=True), dtype="<f4")
        except binascii.Error as error:
            raise ValueError from error
    if not is_array(given) or not all(type(value) in {int, float} for value in given):
        raise TypeError
    return np.array(given, dtype=np.float64)


def _wrong(what: str) -> ModelReplyError:
    return ModelReplyError(f"the server's reply holds {what}", retryable=True)
