"""One writing process at a time: a lock on an index that goes away with the process that holds it.

Writers of one process take turns before (`turn`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from bottega.errors import StorageError


@contextmanager
def writer_lock(folder: Path) -> Generator[None]:
    """Hold the folder's lock. Raises StorageError, retryable, naming the process that has it."""
    import fcntl

    try:
        file = (folder / "lock").open("a+b", buffering=0)
    except OSError as error:
        raise StorageError(f"the index {folder} cannot be written: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            told = file.read(200).decode("utf-8", "replace").strip()
            raise is_being_written(folder, told or "another process") from None
        with suppress(OSError):  # a full disk: the lock holds without telling who has it
            file.truncate(0)
            file.write(holder().encode())
        try:
            yield
        finally:  # closing alone would leave it to a child process that was forked meanwhile
            fcntl.flock(file, fcntl.LOCK_UN)


def holder() -> str:
    """Return what others are told about a writer that begins now."""
    return f"process {os.getpid()} since {time.strftime('%H:%M:%S')}"


def is_being_written(folder: Path, by: str) -> StorageError:
    """Return the error for a writer that comes while another one writes."""
    return StorageError(
        f"the index {folder} is being written by {by}",
        hint="wait for it to end, then try again",
        retryable=True,
    )
