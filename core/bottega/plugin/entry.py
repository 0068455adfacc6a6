"""Entry points of group `bottega`: which plugins are installed, before any is imported.

Only the `entry_points.txt` of each installed distribution is read, and the metadata of those that
have a plugin. The import itself is `bottega.plugin.loader`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bottega.plugin.failure import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution, EntryPoint

GROUP = "bottega"
HOME = "bottega"
"""Bottega's own distribution: its plugins come first, so that no other takes the name of theirs."""

_HEADER = re.compile(rf"^\s*\[\s*{GROUP}\s*\]", re.MULTILINE)
_FIELD = re.compile(r"^(Name|Version):[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One installed plugin."""

    name: str
    distribution: str
    version: str
    point: EntryPoint

    @property
    def source(self) -> Source:
        """Where the plugin comes from, for messages."""
        return Source(plugin=self.name, distribution=self.distribution, version=self.version)

    @property
    def rank(self) -> tuple[bool, str, str]:
        """Where it stands in the order in which plugins are loaded."""
        return (self.distribution != HOME, self.name, self.distribution)


def installed() -> list[Entry]:
    """Return the plugins that are installed, in the order in which they are loaded."""
    return sorted(_entries(), key=lambda entry: entry.rank)


def _entries() -> Iterator[Entry]:
    from importlib.metadata import distributions

    seen: set[str] = set()
    for distribution in distributions():
        text = _entry_points(distribution)
        if not _HEADER.search(text):
            continue
        name, version = _identity(distribution)
        if name in seen:  # shadowed by the same distribution earlier on the path
            continue
        seen.add(name)
        for point in distribution.entry_points:
            if point.group == GROUP:
                yield Entry(name=point.name, distribution=name, version=version, point=point)


def _entry_points(distribution: Distribution) -> str:
    try:
        return distribution.read_text("entry_points.txt") or ""
    except (UnicodeDecodeError, OSError):
        return ""  # an unreadable file names no plugin; pip says more about such a distribution


def _identity(distribution: Distribution) -> tuple[str, str]:
    """Return name and version without parsing the whole metadata, readme and all."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    head = text.replace("\r\n", "\n").partition("\n\n")[0]
    fields = dict(reversed(_FIELD.findall(head)))
    return fields.get("Name", "unknown"), fields.get("Version", "unknown")
