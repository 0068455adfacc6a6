"""The manifest of an index: which generation of files is current, and the sha256 of each.

FAISS loads many a damaged file without a word, so nothing is read that does not match its digest
here. The manifest carries a digest of itself.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bottega.errors import StorageError

NAME = "manifest.json"
FORMAT = 1
"""Raised when an older Bottega could not read what this one writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What an index is made of."""

    generation: str
    """The folder in which its files are."""
    embedder: str
    dimension: int
    splitter: str
    documents: int
    chunks: int
    files: Mapping[str, str]
    """sha256 in hexadecimal of every file, by its path in the generation's folder."""
    format: int = FORMAT

    def dumps(self) -> str:
        """Return the manifest as JSON text that `read_manifest` accepts."""
        fields = dataclasses.asdict(self)
        return json.dumps({**fields, "sha256": _digest(fields)}, indent=1)


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest in the folder, or None where there is none. Raises StorageError."""
    path = folder / NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from None
    fields = _fields(path, text)
    if fields.get("format") != FORMAT:
        raise StorageError(f"{path} is of format {fields.get('format')!r}, not {FORMAT}")
    if fields.pop("sha256", None) != _digest(fields):
        raise StorageError(f"{path} is damaged: it does not match its own sha256")
    try:
        return Manifest(**fields)
    except TypeError:
        raise StorageError(f"{path} has other fields than format {FORMAT} has") from None


def _fields(path: Path, text: bytes) -> dict[str, Any]:
    try:
        fields: Any = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise StorageError(f"{path} is damaged: it is not a JSON object")
    return cast("dict[str, Any]", fields)


def _digest(fields: Mapping[str, Any]) -> str:
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()
