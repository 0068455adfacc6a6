"""What files looked like when they were read, so that unchanged ones need not be read again.

A file counts as unchanged when its size, inode and times are. One that was changed less than two
seconds before it was read is not remembered, for it may be changed again within the clock's grain;
git calls such entries racy. A damaged file of this kind costs reading everything once.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

_GRAIN = 2_000_000_000
"""Nanoseconds: the coarsest clock of a file system in use, FAT's."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS version (version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    source TEXT PRIMARY KEY, looks TEXT NOT NULL, sha256 TEXT NOT NULL, reason TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A file when it was read."""

    source: str
    looks: str
    """Its size, inode and times; empty when they do not tell a later change."""
    sha256: str
    reason: str = ""
    """Why it is no document; empty when it is one."""


def looks_of(status: os.stat_result) -> str:
    """Return what changes with a file; empty when it was changed just now."""
    if time.time_ns() - status.st_mtime_ns < _GRAIN:
        return ""
    parts = (status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
    return ":".join(map(str, parts))


class SeenFiles:
    """A file of what was seen; `version` is that of what read the files."""

    def __init__(self, path: Path, version: str) -> None:
        self._path = path
        self._version = version

    def load(self) -> dict[str, Seen]:
        """Return what was seen, by source; nothing of a damaged file or of another reader."""
        try:
            with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True)) as base:
                if base.execute("SELECT version FROM version").fetchall() != [(self._version,)]:
                    return {}
                rows = base.execute("SELECT source, looks, sha256, reason FROM files").fetchall()
        except sqlite3.DatabaseError:
            return {}
        return {
            row[0]: Seen(source=row[0], looks=row[1], sha256=row[2], reason=row[3]) for row in rows
        }

    def save(self, seen: Iterable[Seen]) -> None:
        """Remember these files and no others; a disk that refuses costs time later, no more."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.unlink(missing_ok=True)
        rows = [(each.source, each.looks, each.sha256, each.reason) for each in seen if each.looks]
        with suppress(sqlite3.Error, OSError):
            with closing(sqlite3.connect(fresh, isolation_level=None)) as base:
                base.execute("PRAGMA journal_mode=OFF")
                base.execute("PRAGMA synchronous=OFF")
                base.executescript(_SCHEMA)
                base.execute("BEGIN")
                base.execute("INSERT INTO version VALUES (?)", (self._version,))
                base.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)
                base.execute("COMMIT")
            fresh.replace(self._path)
