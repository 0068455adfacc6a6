"""The manifest of an index: which segments it is made of, and what each of their files must be.

FAISS loads many a damaged file without a word, so nothing is used that does not match its digest
here. The manifest carries a digest of itself. Replacing it is what makes a change visible.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from bottega.errors import StorageError
from bottega_plugins.knowledge.index.checksums import FileInfo, unreadable

NAME = "manifest.json"
COPY = "manifest.copy.json"
"""What a damaged index is saved from; nothing else reads it."""
FORMAT = 3
"""Raised when an older Bottega could not read what this one writes."""
_READ = (2, FORMAT)
"""Format 2 knows no codes: an update gives them to the segments that want them."""
_WIDE = 8
"""Codes of all vectors are looked through in the time of one list in so many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterInfo:
    """How the trained index of a large segment is searched, and how well that does."""

    lists: int
    probes: int
    """How many of the lists a search looks into."""
    recall: float
    """Share of the true ten nearest that it finds, measured when it was made."""

    @property
    def is_wide(self) -> bool:
        """Whether a search looks into so many that codes of all vectors are quicker."""
        return self.probes * _WIDE > self.lists


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeInfo:
    """How the short codes of a large segment are searched, and how well that does."""

    times: int
    """Candidates for each passage that is asked for; 0 where codes are no use, and not kept."""
    recall: float
    """Share of the true 200 nearest among the candidates, measured when they were made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted:
    """Which documents of a segment are deleted."""

    name: str
    """Of the file beside the segment's others that tells which; see `tombstones`."""
    file: FileInfo
    documents: int
    passages: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentInfo:
    """One segment."""

    name: str
    """Of its folder."""
    documents: int
    """The deleted ones included, as in all of these."""
    passages: int
    words: int
    """How many words all its passages have together, repeats included."""
    files: Mapping[str, FileInfo]
    clusters: ClusterInfo | None = None
    """None when every vector is compared."""
    codes: CodeInfo | None = None
    """None when the lists are quick enough or there are none, and in what format 2 wrote."""
    deleted: Deleted | None = None

    @property
    def wants_codes(self) -> bool:
        """Whether it was written before there were codes, and would be searched quicker by them."""
        return self.clusters is not None and self.clusters.is_wide and self.codes is None

    @property
    def live_documents(self) -> int:
        """Documents that are not deleted."""
        return self.documents - (self.deleted.documents if self.deleted else 0)

    @property
    def live_passages(self) -> int:
        """Passages of documents that are not deleted."""
        return self.passages - (self.deleted.passages if self.deleted else 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What an index is made of."""

    embedder: str
    dimension: int
    splitter: str
    """The version of what cut the documents to passages and scored their words."""
    segments: Sequence[SegmentInfo] = ()
    format: int = FORMAT

    @property
    def documents(self) -> int:
        """Documents that a search can find."""
        return sum(segment.live_documents for segment in self.segments)

    @property
    def passages(self) -> int:
        """Passages that a search can find."""
        return sum(segment.live_passages for segment in self.segments)

    def dumps(self) -> str:
        """Return the manifest as JSON text that `read_manifest` accepts."""
        fields = asdict(self)
        return json.dumps({**fields, "sha256": _digest(fields)}, indent=1)


def is_ours(path: Path) -> bool:
    """Say whether a file has the fields of a manifest, whole or not."""
    try:
        fields = _fields(path, path.read_bytes())
    except (OSError, StorageError):
        return False
    return {"embedder", "dimension", "splitter"} <= fields.keys()


def read_manifest(folder: Path, name: str = NAME) -> Manifest | None:
    """Return the manifest in the folder, or None where there is none. Raises StorageError."""
    path = folder / name
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from None
    fields = _fields(path, text)
    if fields.get("format") not in _READ:
        raise StorageError(f"{path} is of format {fields.get('format')!r}, not {FORMAT}")
    if fields.pop("sha256", None) != _digest(fields):
        raise StorageError(f"{path} is damaged: it does not match its own sha256")
    try:
        segments = tuple(_segment(each) for each in fields.pop("segments"))
        fields["format"] = FORMAT  # what it is when it is written again
        return Manifest(**fields, segments=segments)
    except (KeyError, TypeError):
        raise StorageError(f"{path} has other fields than format {FORMAT} has") from None


def _segment(fields: dict[str, Any]) -> SegmentInfo:
    clusters, deleted = fields.pop("clusters"), fields.pop("deleted")
    codes = fields.pop("codes", None)
    if deleted:
        deleted["file"] = FileInfo(**deleted["file"])
    files = {name: FileInfo(**info) for name, info in fields.pop("files").items()}
    return SegmentInfo(
        **fields,
        files=files,
        clusters=ClusterInfo(**clusters) if clusters else None,
        codes=CodeInfo(**codes) if codes else None,
        deleted=Deleted(**deleted) if deleted else None,
    )


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
