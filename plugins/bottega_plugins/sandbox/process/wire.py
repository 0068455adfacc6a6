"""What passes between host and sandbox: JSON in frames, each with its length in front.

What comes from the sandbox is written by hostile code, for all that is known here: its size, its
syntax and its shape are checked before anything is done with it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NoReturn, cast

from bottega.messages import Json

HEADER = struct.Struct("!I")
MAX_SENT = 16_000_000
"""Bytes of a frame to the sandbox."""
MAX_SAID = 2_000_000
"""Bytes of a frame from it: read as JSON, it may take thirty times as much memory here."""
MAX_TEXT = 25_000
"""Characters of a value, or of an error."""


class ProtocolError(Exception):
    """The sandbox has sent what no honest runner sends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """The code calls a tool."""

    name: str
    positional: list[Json]
    named: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The step is over, the sandbox says."""

    step: str
    """The word that came with the step; only the step's own end has it."""
    value: str = ""
    error: str = ""
    limit: str = ""
    """The limit that it says it has met: its own word, fit for telling and nothing else."""
    interrupted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """The sandbox waits for its first step."""

    version: str = ""


Said = Call | Done | Ready


def frame(value: Json) -> bytes:
    """Write a value as a frame. Lone surrogates survive: all text is written in ASCII.

    Raises ValueError for what is too large, or no JSON.
    """
    body = json.dumps(value, allow_nan=False).encode("ascii")
    if len(body) > MAX_SENT:
        raise ValueError(f"{len(body):,} bytes are more than fit into a frame of {MAX_SENT:,}")
    return HEADER.pack(len(body)) + body


def take(data: bytearray) -> Said | None:
    """Take the first frame out of what has come; None where it is not complete.

    Raises ProtocolError for everything that is not what the runner says.
    """
    if len(data) < HEADER.size:
        return None
    (size,) = HEADER.unpack_from(data)
    if size > MAX_SAID:
        raise ProtocolError(f"a frame of {size:,} bytes")
    if len(data) < HEADER.size + size:
        return None
    body = bytes(data[HEADER.size : HEADER.size + size])
    del data[: HEADER.size + size]
    return _read(body)


def _read(body: bytes) -> Said:
    try:
        said = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a frame that is no JSON ({type(error).__name__})") from None
    fields = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    name, positional, named = (fields.get(key) for key in ("call", "positional", "named"))
    if isinstance(name, str) and isinstance(positional, list) and isinstance(named, dict):
        return Call(name=name, positional=positional, named=named)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(fields.get("done"), dict):
        return _done(fields["done"])
    if isinstance(fields.get("ready"), str):
        return Ready(version=fields["ready"])
    raise ProtocolError("a frame of no known shape")


def _done(said: dict[str, Any]) -> Done:
    return Done(
        step=_text(said, "step"),
        value=_text(said, "value"),
        error=_text(said, "error"),
        limit=_text(said, "limit"),
        interrupted=said.get("interrupted") is True,
    )


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key, "")
    if not isinstance(value, str):
        raise ProtocolError(f"{key} is no text")
    return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + " [...]"


def _finite(digits: str) -> float:
    """Read a number; one too large would be infinite, which nothing beyond can write down."""
    found = float(digits)
    return found if isfinite(found) else _refuse(digits[:20])


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
