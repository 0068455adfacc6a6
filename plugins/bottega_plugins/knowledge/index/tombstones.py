"""Which documents of a segment are deleted: a small file beside it, written anew at each change.

Pairs of 64-bit numbers: a document's first passage and one past its last.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.index.checksums import FileInfo, read_whole
from bottega_plugins.knowledge.index.disk import sync, write_synced
from bottega_plugins.knowledge.index.manifest import Deleted
from bottega_plugins.knowledge.index.passage_file import little_endian

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.catalogue import Span

PREFIX = "deleted-"


def write_tombstones(folder: Path, spans: Collection[Span]) -> Deleted | None:
    """Write the spans of deleted documents; None where there are none."""
    if not spans:
        return None
    name = f"{PREFIX}{os.urandom(6).hex()}"
    flat = array("q", [place for span in sorted(spans) for place in span])
    data = little_endian(flat)
    write_synced(folder / name, data)
    sync(folder)
    return Deleted(
        name=name,
        file=FileInfo(bytes=len(data), sha256=hashlib.sha256(data).hexdigest()),
        documents=len(spans),
        passages=sum(stop - first for first, stop in spans),
    )


def read_tombstones(folder: Path, deleted: Deleted | None) -> list[Span]:
    """Return the spans of deleted documents, in order. Raises StorageError for a damaged file."""
    if deleted is None:
        return []
    import numpy as np

    data = read_whole(folder / deleted.name, deleted.file)
    pairs = np.frombuffer(data, dtype="<i8").reshape(-1, 2)
    return [(first, stop) for first, stop in pairs.tolist()]
