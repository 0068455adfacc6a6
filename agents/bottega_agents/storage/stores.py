"""Open stores, one connection a file for the whole process.

Closing the last connection of a write-ahead log folds the log into the file and waits for the disk:
tens of milliseconds that a run should not pay. So stores stay open until the process ends.
"""

from __future__ import annotations

import atexit
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from bottega_agents.storage.sqlite import InlineSqliteSaver

MOST_IDLE = 16
"""Idle stores beyond this are closed, the one opened first at first, to spare file descriptors."""


@dataclass(slots=True)
class _Open:
    """An open store."""

    saver: InlineSqliteSaver
    inode: int
    users: int = 0


_open: dict[Path, _Open] = {}
_replaced: list[_Open] = []
"""Stores whose file was deleted or replaced while a run used them."""
_lock = threading.Lock()


def open_store(file: Path) -> InlineSqliteSaver:
    """Return the store in that file, until `release_store`. Raises StorageError.

    A file that was deleted or replaced since is opened anew.
    """
    path = file.absolute()
    with _lock:
        known = _open.get(path)
        if known is None or known.inode != _inode(path):
            if known is not None:
                _replaced.append(known)
                _close_replaced()
            saver = InlineSqliteSaver(path)
            known = _open[path] = _Open(saver, _inode(path))
        known.users += 1
        return known.saver


def release_store(saver: InlineSqliteSaver) -> None:
    """Say that a run needs the store no longer; it stays open for the next one."""
    with _lock:
        for store in (*_open.values(), *_replaced):
            if store.saver is saver:
                store.users -= 1
        _close_replaced()
        idle = [path for path, store in _open.items() if store.users <= 0]
        for path in idle[: max(0, len(_open) - MOST_IDLE)]:
            _open.pop(path).saver.close()


def _close_replaced() -> None:
    """Close the stores of deleted files that no run uses any longer."""
    for store in [one for one in _replaced if one.users <= 0]:
        _replaced.remove(store)
        store.saver.close()


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1


@atexit.register
def close_stores() -> None:
    """Close every store."""
    with _lock:
        for store in (*_open.values(), *_replaced):
            store.saver.close()
        _open.clear()
        _replaced.clear()


def _forget_after_fork() -> None:
    """Drop the parent's connections in a forked child: SQLite forbids their use there."""
    global _lock  # noqa: PLW0603  # the parent's lock may be held for ever here
    _lock = threading.Lock()
    _open.clear()
    _replaced.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
