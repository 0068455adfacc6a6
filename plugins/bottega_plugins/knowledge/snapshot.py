"""One generation of an index in memory: documents, passages, vectors and words; unchanging."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bottega_plugins.knowledge.documents.chunk import Chunk, embedded_text
from bottega_plugins.knowledge.lexicon import Lexicon
from bottega_plugins.knowledge.vectors import Vectors
from bottega_plugins.knowledge.words import plain_words

_FILLING_ZEROS = re.compile(r"\b0+(?=\d)")
LONGEST_TITLE = 20
"""Words of a title that a query is searched for."""

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One document of the index."""

    source: str
    """Path relative to the indexed folder, with `/`."""
    sha256: str
    """Of the file's bytes, in hexadecimal."""
    title: str
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything that a search needs. Vector and word numbers are places in `passages`."""

    entries: tuple[Entry, ...]
    vectors: Vectors
    lexicon: Lexicon

    @classmethod
    def build(cls, entries: Sequence[Entry], rows: NDArray[np.float32]) -> Snapshot:
        """Put an index together; rows of shape (passages, dimension) are in the passages' order."""
        texts = [embedded_text(entry.title, chunk) for entry, chunk in passages(entries)]
        vectors = Vectors.build(rows)
        return cls(entries=tuple(entries), vectors=vectors, lexicon=Lexicon.build(texts))

    @cached_property
    def passages(self) -> tuple[tuple[Entry, Chunk], ...]:
        """All passages, each with its document."""
        return tuple(passages(self.entries))

    @cached_property
    def titles(self) -> Mapping[str, Sequence[int]]:
        """The passages' numbers by what their document is called: its title, and its file.

        Both as `plain_words` makes them; `pep-0572.rst` is also called "pep 572".
        """
        found: dict[str, list[int]] = {}
        number = 0
        for entry in self.entries:
            rows = range(number, number + len(entry.chunks))
            for name in {plain_words(entry.title), _file_name(entry.source)}:
                found.setdefault(name, []).extend(rows)
            number += len(entry.chunks)
        return found


def _file_name(source: str) -> str:
    """Return the words of a file's name, without its ending and the zeros that fill numbers up."""
    return _FILLING_ZEROS.sub("", plain_words(PurePosixPath(source).stem))


def passages(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Chunk]]:
    """Yield every passage with its document."""
    return ((entry, chunk) for entry in entries for chunk in entry.chunks)


def dump_entries(entries: Iterable[Entry]) -> bytes:
    """Return documents and passages as lines of JSON, a document a line."""
    return "".join(f"{json.dumps(_entry_to_json(entry))}\n" for entry in entries).encode("ascii")


def load_entries(data: bytes) -> tuple[Entry, ...]:
    """Read what `dump_entries` wrote. Raises ValueError or TypeError for anything else."""
    return tuple(_entry_from_json(line) for line in data.splitlines())


_FIELDS = ("key", "heading", "start", "end", "line", "end_line", "text")


def _entry_to_json(entry: Entry) -> list[object]:
    rows = [[getattr(chunk, name) for name in _FIELDS] for chunk in entry.chunks]
    return [entry.source, entry.sha256, entry.title, rows]


def _entry_from_json(line: bytes) -> Entry:
    source, digest, title, rows = json.loads(line)
    chunks = tuple(Chunk(**dict(zip(_FIELDS, row, strict=True))) for row in rows)
    return Entry(source=source, sha256=digest, title=title, chunks=chunks)
