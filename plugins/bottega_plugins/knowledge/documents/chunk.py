"""Passages: what an index holds of a document, how they are named, and what is embedded of them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from bottega.messages import Json

_MOST_PREFIX = 300
"""Characters of title and heading that are embedded with each passage."""
_LONGEST_KEY_PATH = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One passage of a document."""

    key: str
    """`<path>:<line>-<end_line>`; with `@<start>` where several passages share these lines."""
    heading: str
    """The headings above it, joined by ` > `; empty before the first heading."""
    start: int
    end: int
    line: int
    end_line: int
    text: str
    page: int = 0
    """The first of its pages, from 1; 0 where the source has no pages."""
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json], hash=False)
    """Of the passage alone: numbers of rows and cells, names of functions."""


def prefix_text(title: str, heading: str) -> str:
    """Return what is embedded in front of a passage: where it stands."""
    return "\n".join(part for part in (title, heading) if part)[:_MOST_PREFIX]


def embedded_text(title: str, chunk: Chunk) -> str:
    """Return the text whose vector stands for the passage."""
    return f"{prefix_text(title, chunk.heading)}\n{chunk.text}"


def citation_path(source: str) -> str:
    """Return the path as keys carry it: no brackets, no invisible characters, not too long."""
    shown = "".join(_quoted(c) if _needs_quoting(c) else c for c in source)
    if len(shown) <= _LONGEST_KEY_PATH:
        return shown
    digest = hashlib.sha256(source.encode()).hexdigest()[:8]
    return f"{digest}~{shown[-_LONGEST_KEY_PATH:]}"


def _needs_quoting(character: str) -> bool:
    return character in "[];,%" or unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}


def _quoted(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
