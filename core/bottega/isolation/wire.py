"""What passes between host, warden and worker: JSON in frames, each with its length in front."""

from __future__ import annotations

import json
import struct
from typing import Any

from bottega.messages import Citation, Json, citation_to_json, image_from_json, image_to_json
from bottega.tools import Output

HEADER = struct.Struct("!I")
MAX_FRAME = 64_000_000
"""Bytes of a frame; more is a mistake, or malice."""


def frame(value: Json) -> bytes:
    """Write a value as a frame. Lone surrogates survive: all text is written in ASCII."""
    body = json.dumps(value).encode("ascii")
    return HEADER.pack(len(body)) + body


def unframe(data: bytes | bytearray) -> Json | None:
    """Read the frame; None when it is not complete. Raises ValueError on what is no frame."""
    size = frame_size(data)
    if size is None or len(data) < size:
        return None
    return json.loads(data[HEADER.size : size])


def frame_size(data: bytes | bytearray) -> int | None:
    """Return how many bytes the frame takes with its header; None when that is not known yet."""
    if len(data) < HEADER.size:
        return None
    (size,) = HEADER.unpack_from(data)
    if size > MAX_FRAME:
        raise ValueError(f"a frame of {size:,} bytes")
    return int(size) + HEADER.size


def output_to_json(output: Output) -> dict[str, Json]:
    """Return the output as a JSON object."""
    return {
        "content": output.content,
        "citations": [citation_to_json(item) for item in output.citations],
        "images": [image_to_json(item) for item in output.images],
        "final": output.final,
        "printed": output.printed,
        "secret": output.secret,
        "structured": output.structured,
    }


def output_from_json(data: dict[str, Any]) -> Output:
    """Read what `output_to_json` wrote."""
    return Output(
        content=data["content"],
        citations=tuple(Citation(**item) for item in data["citations"]),
        images=tuple(image_from_json(item) for item in data["images"]),
        final=data["final"],
        printed=data["printed"],
        secret=data["secret"],
        structured=data["structured"],
    )
