"""How large a picture would be when it is drawn, read from its first bytes.

Nothing is decoded: a few bytes of a file may stand for a picture of any size. Formats:
https://www.w3.org/TR/png-3, https://www.w3.org/Graphics/JPEG/itu-t81.pdf,
https://www.w3.org/Graphics/GIF/spec-gif89a.txt, RFC 9649 (WebP).
"""

from __future__ import annotations

import struct

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG's markers that begin a frame, whose size follows."""


def picture_size(data: bytes, media_type: str) -> tuple[int, int] | None:
    """Return width and height in pixels; None where the bytes do not tell."""
    read = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp}
    try:
        found = read[media_type](data)
    except (struct.error, IndexError, KeyError):
        return None
    return found if found is not None and min(found) > 0 else None


def _png(data: bytes) -> tuple[int, int] | None:
    return struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else None


def _gif(data: bytes) -> tuple[int, int]:
    return struct.unpack_from("<HH", data, 6)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        (length,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + max(2, length)
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        wide, tall = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return (wide + 1, tall + 1) if len(data) >= 30 else None
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8 ":
        wide, tall = struct.unpack_from("<HH", data, 26)
        return wide & 0x3FFF, tall & 0x3FFF
    return None
