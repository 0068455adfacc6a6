"""An append-only file of records, each chained to the one before by a hash.

One record a line, in canonical JSON: keys sorted, no spaces, ASCII. `hash` is the SHA-256 of the
record without it, and `prev` is the hash of the line before, so that no line can be changed,
removed or moved without the next one telling. Beside the file lies `.head` with the number and hash
of the last line, by which a cut-off end is found. Whoever can write both files can cut off both: a
copy of the head elsewhere settles that. How a file is checked is `verify.py`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from bottega.errors import InputError, StorageError
from bottega.home import make_private
from bottega.messages import Json

FIRST = "0" * 64
"""What the first line follows."""
_BLOCK = 65_536
LONGEST = 1_000_000
"""Bytes of a line."""


class Chain:
    """One file. Several processes and threads may append at once: they wait for each other."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @property
    def head_file(self) -> Path:
        """Where the number and hash of the last line are kept."""
        return self.file.with_name(self.file.name + ".head")

    def append(self, record: Mapping[str, Json]) -> str:
        """Write the record behind the last one, safe on disk on return; return its hash.

        What a crash left of a line is ended, and the new record says what it was. Raises
        StorageError where nothing can be written.
        """
        try:
            make_private(self.file)
            descriptor = os.open(self.file, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                return self._append(descriptor, record)
            finally:
                os.close(descriptor)
        except OSError as error:
            problem = f"the audit log {self.file} cannot be written: {error.strerror or error}"
            raise StorageError(problem, hint="nothing is done that is not written down") from error

    def _append(self, descriptor: int, record: Mapping[str, Json]) -> str:
        last, torn, ended = _tail(descriptor)
        number = 1 if last is None else last["seq"] + 1
        line: dict[str, Json] = {**record, "seq": number, "prev": last["hash"] if last else FIRST}
        if torn:
            line["torn"] = hashlib.sha256(torn).hexdigest()
        line["hash"] = known = digest(line)
        text = canonical(line) + "\n"
        _write(descriptor, (b"" if ended else b"\n") + text.encode("ascii"))
        os.fsync(descriptor)
        self._keep_head(number, known)
        return known

    def _keep_head(self, number: int, of: str) -> None:
        head = os.open(self.head_file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            text = json.dumps({"seq": number, "hash": of})
            os.pwrite(head, f"{text:<120}\n".encode("ascii"), 0)  # always as long as before
        finally:
            os.close(head)


def missing(file: Path, error: OSError) -> InputError:
    """Return the error of a log that is not there, or cannot be read."""
    if not isinstance(error, FileNotFoundError):
        return InputError(f"the audit log {file} cannot be read: {error.strerror or error}")
    if Chain(file).head_file.exists():
        return InputError(f"the audit log {file} is missing, though its head {file}.head is there")
    hint = "put `audit` first in the graph's middleware"
    return InputError(f"there is no audit log {file}: nothing was written yet", hint=hint)


def canonical(record: Mapping[str, Json]) -> str:
    """Return the one way in which a record is written."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(record: Mapping[str, Json]) -> str:
    """Return the hash of the record, which covers all of it but the hash itself."""
    plain = {key: value for key, value in record.items() if key != "hash"}
    return hashlib.sha256(canonical(plain).encode("ascii")).hexdigest()


def read_line(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line; None when it is none, or written in any other way."""
    with suppress(ValueError, RecursionError):
        record: Any = json.loads(line)
        if isinstance(record, dict):
            known = cast("dict[str, Any]", record)
            fits = isinstance(known.get("seq"), int) and isinstance(known.get("hash"), str)
            if fits and canonical(known).encode("ascii") == line:
                return known
    return None


def _tail(descriptor: int) -> tuple[dict[str, Any] | None, bytes, bool]:
    """Return the last record, what stands behind it that is none, and whether the file ends well.

    A record that lacks nothing but its line feed is one; anything else was torn by a crash.
    """
    end = os.fstat(descriptor).st_size
    start, data = end, b""
    while start > 0:
        start = max(0, start - _BLOCK)
        data = os.pread(descriptor, end - start, start)
        lines = data.removesuffix(b"\n").split(b"\n")
        for number in range(len(lines) - 1, -1 if start == 0 else 0, -1):
            record = read_line(lines[number])
            if record is not None:
                return record, b"\n".join(lines[number + 1 :]), data.endswith(b"\n")
        if len(data) > 16 * LONGEST:
            raise OSError(0, "its end is no audit log")
    return None, data.removesuffix(b"\n"), not data or data.endswith(b"\n")


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
