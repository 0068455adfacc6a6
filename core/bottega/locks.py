"""Names that one process at a time may hold: locks on single bytes of one file.

A lock dies with its process, so a killed one leaves nothing to clean up. One file descriptor serves
all names; nothing is ever written. The locks are POSIX record locks, which a forked child does not
inherit, and which closing *any* descriptor of the file lets go: nobody else may open it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

SUFFIX = "-running"
"""Added to the name of the store's file."""


@dataclass(slots=True)
class _Open:
    """A lock file of which this process holds a byte."""

    descriptor: int
    held: set[str] = field(default_factory=set[str])


_open: dict[Path, _Open] = {}
_lock = threading.Lock()


class FileLocks:
    """The names of one store; they are shared by all that this process opens on the same file."""

    def __init__(self, store: Path) -> None:
        store = store.absolute()
        self._file = store.with_name(store.name + SUFFIX)

    def take(self, name: str) -> bool:
        """Take the name if nobody has it. Raises OSError."""
        with _lock:
            known = _open.get(self._file)
            if known is not None and name in known.held:
                return False
            if known is None:
                known = _Open(os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            if _try(known.descriptor, fcntl.LOCK_EX, name):
                known.held.add(name)
                _open[self._file] = known
                return True
            if not known.held:
                os.close(known.descriptor)
            return False

    def free(self, name: str) -> None:
        """Let go of a name that was taken."""
        with _lock:
            known = _open.get(self._file)
            if known is None or name not in known.held:
                return  # a forked child: its parent has it
            known.held.remove(name)
            fcntl.lockf(known.descriptor, fcntl.LOCK_UN, 1, _byte(name))
            if not known.held:
                del _open[self._file]
                os.close(known.descriptor)

    def is_held(self, name: str) -> bool:
        """Say whether this process or another one holds the name."""
        with _lock:
            known = _open.get(self._file)
            if known is not None:
                return name in known.held or not self._is_free(known.descriptor, name)
            try:
                descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
            try:
                return not self._is_free(descriptor, name)
            finally:
                os.close(descriptor)

    def _is_free(self, descriptor: int, name: str) -> bool:
        if not _try(descriptor, fcntl.LOCK_SH, name):
            return False
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, _byte(name))
        return True


def _try(descriptor: int, kind: int, name: str) -> bool:
    try:
        fcntl.lockf(descriptor, kind | fcntl.LOCK_NB, 1, _byte(name))
    except (BlockingIOError, PermissionError):
        return False
    return True


def _byte(name: str) -> int:
    """Return the name's own byte, far beyond the end of the empty file."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")


def _forget_after_fork() -> None:
    """Start anew in a forked child: what the parent holds is the parent's."""
    global _lock  # noqa: PLW0603  # the parent's lock may be held for ever here
    _lock = threading.Lock()
    _open.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
