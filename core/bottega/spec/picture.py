"""A graph's picture as a file: which format follows from how the file's name ends."""

from __future__ import annotations

from pathlib import Path

from bottega.errors import InputError, suggest
from bottega.spec.model import GraphSpec

FORMATS = (".svg", ".png", ".mmd")


def write_picture(spec: GraphSpec, path: Path) -> None:
    """Write the picture. Raises InputError for another ending, or a file that cannot be written."""
    data = _rendered(spec, path.suffix.lower())
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _rendered(spec: GraphSpec, suffix: str) -> bytes:
    from bottega.spec.layout import layout

    if suffix == ".mmd":
        from bottega.spec.mermaid import mermaid

        return mermaid(spec).encode()
    if suffix == ".svg":
        from bottega.spec.svg import svg

        return svg(layout(spec)).encode()
    if suffix == ".png":
        from bottega.spec.png import png

        return png(layout(spec))
    raise InputError(f"no pictures of format {suffix!r}", hint=suggest(suffix, FORMATS))
