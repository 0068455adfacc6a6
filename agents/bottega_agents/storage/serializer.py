"""How checkpoints are written and read: strict msgpack, which makes no object of anybody's class.

LangGraph's default serializer imports and calls whatever a checkpoint names, and its "json" values
may read the environment. A store that somebody has tampered with must do neither.
"""

from __future__ import annotations

import zlib
from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from bottega.errors import StorageError

CHECKED = "msgpack+crc32"
"""Kind of what is written: msgpack, and four bytes of CRC-32, for bits that a disk has turned."""
_PLAIN = ("null", "bytes", "bytearray", "msgpack", CHECKED)
_CRC = 4


class StrictSerializer(JsonPlusSerializer):
    """Revive plain values, and LangGraph's own few types; no pickle, no class from the data."""

    def __init__(self, store: str = "the store") -> None:
        """Take the name of the store for error messages."""
        super().__init__(pickle_fallback=False, allowed_msgpack_modules=None)
        self._store = store

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Write a value, with its checksum."""
        kind, data = super().dumps_typed(obj)
        return (CHECKED, data + _crc(data)) if kind == "msgpack" else (kind, data)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Read a value. Raises StorageError for one that is damaged, or of a kind not written."""
        kind, blob = data
        if kind not in _PLAIN:
            raise self._damaged(f"a value of kind {kind!r}, which is never written")
        if kind == CHECKED:
            blob, crc = blob[:-_CRC], blob[-_CRC:]
            if crc != _crc(blob):
                raise self._damaged("its checksum is another one")
            data = ("msgpack", blob)
        try:
            return super().loads_typed(data)
        except (ValueError, TypeError, IndexError, RecursionError) as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, what: str) -> StorageError:
        return StorageError(
            f"{self._store}: a checkpoint is damaged, or was tampered with: {what}",
            hint="put a copy of the store in its place",
        )


def _crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CRC, "big")
