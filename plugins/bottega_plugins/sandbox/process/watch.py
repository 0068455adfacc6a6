"""A watch over a sandbox that no control group limits: it is ended when it holds too much.

The kernel limits each process (setrlimit(2)) and their number; what they hold together, and how
many files they make, is looked at from outside, some times a second.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Literal

from bottega_plugins.sandbox.process.cell import Cell
from bottega_plugins.sandbox.process.family import memory_of
from bottega_plugins.sandbox.process.recipe import FOLDER

_SECONDS = 0.05
_SHARE = 12 << 20
"""Bytes that a process has in common with the others, and which are counted for each."""
MOST_FILES = 20_000
"""Files and folders at once; the kernel's memory holds some hundred bytes for each."""


async def watch(cell: Cell) -> Literal["memory", "disk"]:
    """Return which limit is passed, after the sandbox has been ended for it; else never."""
    processes_of = cell.watched
    if processes_of is None:
        await asyncio.Event().wait()
    assert processes_of is not None
    while True:
        processes = await asyncio.to_thread(processes_of)
        if memory_of(processes) > cell.recipe.memory + _SHARE * len(processes):
            cell.kill()
            return "memory"
        if _files(cell) > MOST_FILES:
            cell.kill()
            return "disk"
        await asyncio.sleep(_SECONDS)


def _files(cell: Cell) -> int:
    with suppress(OSError):
        found = os.statvfs(f"{cell.root}{FOLDER}")
        return found.f_files - found.f_ffree
    return 0
