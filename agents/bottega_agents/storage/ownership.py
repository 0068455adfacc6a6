"""Who is at work on a run: one process at a time, by a lock that dies with its holder."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bottega.errors import InputError

FOLDER = "running"


@contextmanager
def hold_run(state: Path, run_id: str) -> Generator[None, None, None]:
    """Hold the run while the block lasts. Raises InputError when another holds it.

    The lock is on a file that is removed at the end; a killed holder leaves the file, not the lock.
    """
    folder = state / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / hashlib.sha256(run_id.encode()).hexdigest()[:32]
    with file.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"run {run_id} is being carried out by another process",
                hint="wait for it, or stop that process first",
            ) from None
        try:
            yield
        finally:
            file.unlink(missing_ok=True)
