"""Pictures among files: known by their first bytes, never by the file's name."""

from __future__ import annotations

LARGEST = 5_000_000
"""Bytes of a picture that a model is shown."""


def media_type(sample: bytes) -> str:
    """Return the media type of a picture that models read; empty for anything else."""
    if sample.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if sample.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if sample.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if sample[:4] == b"RIFF" and sample[8:12] == b"WEBP":
        return "image/webp"
    return ""
