"""Writing JSON where it is done at every step.

`json.JSONEncoder.encode` makes its C encoder anew for each value, which takes longer than the
writing of an event. Here it is made once; where Python has none, the standard way is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder as _encoder
from typing import Any

from bottega.messages import Json

_make: Any = getattr(_encoder, "c_make_encoder", None)


def writer(
    *,
    separators: tuple[str, str] = (", ", ": "),
    sort_keys: bool = False,
    allow_nan: bool = True,
    default: Callable[[Any], Json] | None = None,
) -> Callable[[Json], str]:
    """Return what writes JSON in one line of ASCII, as `json.dumps` does with these options.

    It raises TypeError and ValueError as that does, but RecursionError for what holds itself.
    """
    plain = json.JSONEncoder(
        separators=separators, sort_keys=sort_keys, allow_nan=allow_nan, default=default
    )
    if _make is None:
        return plain.encode
    escape, (between, after) = _encoder.encode_basestring_ascii, separators
    chunks = _make(None, plain.default, escape, None, after, between, sort_keys, False, allow_nan)

    def encode(value: Json) -> str:
        return "".join(chunks(value, 0))

    return encode
