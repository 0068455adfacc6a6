"""Going through a folder and those within it, by descriptor: no link is followed on the way."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from bottega_tools.files.path import is_reserved

MOST_ENTRIES = 50_000
"""Names that are looked at in one go."""
_BELOW = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Kind = Literal["file", "folder", "link", "special"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One name in a folder."""

    path: str
    """From where the walk began."""
    kind: Kind
    size: int = 0
    """In bytes."""

    @property
    def is_folder(self) -> bool:
        """Whether there may be more within."""
        return self.kind == "folder"

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.kind == "file"


@dataclass(kw_only=True, slots=True)
class Walk:
    """One way through a tree, folder by folder, each in the order of its names."""

    depth: int = 50
    full: bool = False
    """There was more than could be looked at."""
    _left: int = MOST_ENTRIES

    def over(self, folder: int, before: str = "", level: int = 1) -> Iterator[Entry]:
        """Yield what is in the open folder, and in those within it. Raises OSError."""
        for name in self._names(folder):
            found = _looked_at(folder, name)
            if found is None:
                continue
            path = before + name
            kind = _kind(found.st_mode)
            yield Entry(path=path, kind=kind, size=found.st_size)
            if kind == "folder" and level < self.depth:
                yield from self._within(folder, name, f"{path}/", level + 1)

    def _within(self, folder: int, name: str, path: str, level: int) -> Iterator[Entry]:
        try:
            below = os.open(name, _BELOW, dir_fd=folder)
        except OSError:  # gone or swapped meanwhile, or not ours to read
            return
        try:
            yield from self.over(below, path, level)
        finally:
            os.close(below)

    def _names(self, folder: int) -> list[str]:
        names: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if self._left <= 0:
                    self.full = True
                    break
                self._left -= 1
                if not is_reserved(entry.name):
                    names.append(entry.name)
        return sorted(names)


def _looked_at(folder: int, name: str) -> os.stat_result | None:
    with suppress(OSError):  # gone meanwhile
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    return None


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "special"
