"""A document as an index holds it, and its passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bottega.messages import Json
from bottega_plugins.knowledge.documents.chunk import Chunk

Origin = Literal["folder", "added"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentInfo:
    """What an index knows of a document."""

    source: str
    """Its name: a path relative to the indexed folder, with `/`, or what a program called it."""
    title: str = ""
    format: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json])
    passages: int = 0
    sha256: str = ""
    """Of the document's bytes, in hexadecimal."""
    origin: Origin = "added"
    """Whether it was found in the folder of documents or added by a program."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDocument:
    """A document on its way into an index."""

    info: DocumentInfo
    chunks: Sequence[Chunk]


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """One passage of an index."""

    number: int
    """Its place in the snapshot."""
    document: DocumentInfo
    chunk: Chunk
    is_first: bool
    """Whether its document begins with it."""
