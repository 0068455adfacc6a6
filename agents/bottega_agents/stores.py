"""Open stores, one connection a file for the whole process.

Closing the last connection of a write-ahead log folds the log into the file and waits for the disk:
tens of milliseconds that a run should not pay. So stores stay open until the process ends.
"""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path

from bottega_agents.sqlite import InlineSqliteSaver

MOST_OPEN = 16
"""Beyond this the store that was opened first is closed, to spare file descriptors."""

_open: dict[Path, tuple[int, InlineSqliteSaver]] = {}
_lock = threading.Lock()


def open_store(file: Path) -> InlineSqliteSaver:
    """Return the store in that file. Raises StorageError.

    A file that was deleted or replaced since is opened anew.
    """
    path = file.absolute()
    with _lock:
        known = _open.get(path)
        if known is not None and known[0] == _identity(path):
            return known[1]
        if known is not None:
            known[1].close()
        saver = InlineSqliteSaver(path)
        _open[path] = (_identity(path), saver)
        while len(_open) > MOST_OPEN:
            _open.pop(next(iter(_open)))[1].close()
        return saver


def _identity(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1


@atexit.register
def close_stores() -> None:
    """Close every store."""
    with _lock:
        for _, saver in _open.values():
            saver.close()
        _open.clear()


def forget_after_fork() -> None:
    """Drop the parent's connections in a forked child: SQLite forbids their use there."""
    _open.clear()


os.register_at_fork(after_in_child=forget_after_fork)
