"""One writer at a time: a lock on an index that goes away with the process that holds it.

Writers of one process wait for each other; one of another process is refused.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from bottega.errors import StorageError

_PAUSE = 0.02
"""Seconds between looks at whether it is one's turn."""
_turns: dict[str, threading.Lock] = {}


@asynccontextmanager
async def own_turn(folder: Path) -> AsyncGenerator[None]:
    """Wait until no other task or thread of this process writes to the folder's index."""
    turn = _turns.setdefault(str(folder), threading.Lock())
    while not turn.acquire(blocking=False):  # noqa: ASYNC110  # the holder may be in another loop
        await asyncio.sleep(_PAUSE)
    try:
        yield
    finally:
        turn.release()


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
            holder = file.read(200).decode("utf-8", "replace").strip() or "another process"
            raise StorageError(
                f"the index {folder} is being written by {holder}",
                hint="wait for it to end, then try again",
                retryable=True,
            ) from None
        with suppress(OSError):  # a full disk: the lock holds without telling who has it
            file.truncate(0)
            file.write(f"process {os.getpid()} since {time.strftime('%H:%M:%S')}".encode())
        yield  # closing the file gives the lock back
