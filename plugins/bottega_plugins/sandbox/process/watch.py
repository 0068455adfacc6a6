"""A watch over a sandbox that no control group limits: it is ended when it holds too much.

The kernel limits each process (setrlimit(2)) and their number; what they hold together, and how
many files they make, is looked at from outside, some times a second.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Literal

from bottega_plugins.sandbox.process.cell import Cell
from bottega_plugins.sandbox.process.family import memory_of

_SECONDS = 0.05
_SHARE = 12 << 20
"""Bytes that a process has in common with the others, and which are counted for each."""
MOST_FILES = 20_000
"""Files and folders at once; the kernel's memory holds some hundred bytes for each."""


class Watch:
    """Watches while it is entered; `passed` says for which limit the sandbox was ended."""

    def __init__(self, cell: Cell) -> None:
        self.passed: Literal["", "memory", "disk"] = ""
        self._cell = cell
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> Watch:
        self._task = asyncio.ensure_future(self._watch())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        cell = self._cell
        while not self.passed:
            processes, (held, files) = await asyncio.to_thread(_looked_at, cell)
            if memory_of(processes) > cell.recipe.memory + _SHARE * len(processes):
                self.passed = "memory"
            elif held > cell.recipe.disk or files > MOST_FILES:
                self.passed = "disk"
            await asyncio.sleep(0 if self.passed else _SECONDS)
        cell.kill()


def _looked_at(cell: Cell) -> tuple[set[int], tuple[int, int]]:
    return cell.family(), cell.spent()
