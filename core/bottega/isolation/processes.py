"""What Linux knows about processes: parents, orphans, and how to end a whole family."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_END_SECONDS = 2.0
"""How long `end_family` goes after processes that make new ones."""


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parents end: also of daemons. See prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent() -> None:
    """Be killed when the parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def end_family(*, after: float = 0.0) -> None:
    """Kill all descendants of this process, and reap those that are, or become, its children.

    Children that end by themselves `after` some seconds may.
    """
    wait_until = time.monotonic() + after
    while after and _has_children() and time.monotonic() < wait_until:
        time.sleep(0.005)
    give_up = time.monotonic() + _END_SECONDS
    while _has_children() and time.monotonic() < give_up:
        for pid in list(_descendants(os.getpid())):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def end_strays(known: Iterable[int]) -> None:
    """Reap what has ended, and kill children that are not among the known: adopted orphans."""
    if _has_children():
        for pid in set(_children(os.getpid())) - set(known):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _has_children() -> bool:
    """Reap what has ended and say whether anything is left."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return False
    return True


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield from _descendants(child)
        yield child


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return _children_by_search(pid) if Path(f"/proc/{pid}").exists() else []


def _children_by_search(pid: int) -> list[int]:
    """Search all processes, on kernels built without the list of children."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == pid:
                    found.append(int(entry.name))
    return found
