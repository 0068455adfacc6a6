"""`bottega.lock`: what a person has approved, and exactly what it was then.

    lock = Lock.open(folder)
    lock.get("plugins", "dice")             # what was written there, or None
    lock.set("plugins", "dice", {...})      # any JSON

A file of JSON, sorted, for people to read and to keep under version control. It lies in the
project: the nearest folder upwards that has one already, or a `bottega.toml` or `pyproject.toml`;
otherwise where the search began. A section is the business of whoever writes it.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from bottega.errors import InputError, StorageError
from bottega.messages import Json

NAME = "bottega.lock"
VERSION = 1
LARGEST = 10_000_000
"""Bytes; a larger file is none of ours."""
_MARKS = (NAME, "bottega.toml", "pyproject.toml")
_HINT = "restore it, or delete it: what it approved is asked again"


class Lock:
    """One file. Several threads and processes may read and write it at once."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @classmethod
    def open(cls, folder: Path) -> Lock:
        """Return the lock of the project in which the folder lies; the file may not exist yet."""
        start = folder.absolute()
        places = (start, *start.parents)
        marked = (each for each in places if any(_is_ours(each / name) for name in _MARKS))
        return cls(next(marked, start) / NAME)

    def section(self, section: str) -> Mapping[str, Json]:
        """Return all of a section, by name. Raises InputError for a damaged file."""
        found = self._read().get(section, {})
        if not isinstance(found, dict):
            raise InputError(f"{self.file}: {section!r} is no object", hint=_HINT)
        return cast("dict[str, Json]", found)

    def get(self, section: str, name: str) -> Json:
        """Return what is written under the name, None for nothing. Raises InputError."""
        return self.section(section).get(name)

    def set(self, section: str, name: str, value: Json) -> None:
        """Write the value under the name. Raises InputError, and StorageError from the disk."""
        with self._changing() as document:
            document.setdefault(section, {})[name] = value

    def remove(self, section: str, name: str) -> bool:
        """Remove what is written under the name; say whether there was something."""
        with self._changing() as document:
            found = document.get(section, {}).pop(name, None) is not None
            if not document.get(section, True):
                del document[section]
        return found

    def _read(self) -> dict[str, Any]:
        try:
            data = self.file.read_bytes()
        except FileNotFoundError:
            return {"version": VERSION}
        except OSError as error:
            raise StorageError(f"{self.file} cannot be read: {error.strerror}") from error
        if len(data) > LARGEST:
            raise InputError(f"{self.file} has {len(data):,} bytes", hint=_HINT)
        try:
            document = _object(data)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.file} is damaged: {error}", hint=_HINT) from error
        version = document.get("version")
        if version != VERSION:
            problem = f"{self.file} is of version {version!r}, expected {VERSION}"
            raise InputError(problem, hint="it may come from a newer Bottega: update this one")
        return document

    @contextmanager
    def _changing(self) -> Generator[dict[str, Any]]:
        """Read, let the block change, and put the new file in the place of the old one."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.file.parent, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError(f"{self.file} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # on the folder, which no rename replaces
            document = self._read()
            for section in document:
                self.section(section) if section != "version" else None
            yield document
            self._write(document)
            os.fsync(folder)
        except OSError as error:
            raise StorageError(f"{self.file} cannot be written: {error.strerror}") from error
        finally:
            os.close(folder)

    def _write(self, document: Mapping[str, Any]) -> None:
        text = json.dumps(document, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
        descriptor, name = tempfile.mkstemp(prefix=f".{NAME}-", dir=self.file.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as new:
                new.write(text + "\n")
                new.flush()
                os.fchmod(descriptor, 0o644)  # it is no secret, and kept under version control
                os.fsync(descriptor)
            Path(name).replace(self.file)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise


def _is_ours(file: Path) -> bool:
    """Say whether the file is there, and not a stranger's in a folder that everybody may write."""
    try:
        found = file.stat()
    except OSError:
        return False
    return found.st_uid in (os.geteuid(), 0)


def _object(data: bytes) -> dict[str, Any]:
    document: Any = json.loads(data, object_pairs_hook=_unique)
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004  # as json says what is wrong
    return cast("dict[str, Any]", document)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in made if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return made
