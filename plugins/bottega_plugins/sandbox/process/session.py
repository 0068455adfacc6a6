"""A session of the process sandbox: each step of code begins where the last one ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from bottega.errors import SandboxError
from bottega.model import ToolSpec
from bottega.sandbox import CodeLimits, CodeOutcome, ToolCaller
from bottega_plugins.sandbox.process import pool
from bottega_plugins.sandbox.process.cell import Cell
from bottega_plugins.sandbox.process.recipe import Recipe
from bottega_plugins.sandbox.process.step import Step

MAX_CODE = 1_000_000
"""Characters of a step."""
_GONE = "the code's process has ended since the last step; this step was not begun"


class ProcessSession:
    """One sandbox, replaced by a fresh one when it had to be ended."""

    def __init__(self, cell: Cell, tools: Sequence[ToolSpec], limits: CodeLimits) -> None:
        self._cell: Cell | None = cell
        self._recipe: Recipe = cell.recipe
        self._tools = {tool.name: tool for tool in tools}
        self._limits = limits
        self._bound = False
        self._closed = False
        self._lock = asyncio.Lock()

    async def run(self, code: str, call: ToolCaller) -> CodeOutcome:
        """Run a step. Raises SandboxError where the session is closed."""
        if len(code) > MAX_CODE:
            told = f"the code has {len(code):,} characters; a step has at most {MAX_CODE:,}"
            return CodeOutcome(error=told)
        async with self._lock:
            if self._closed:
                raise SandboxError("the session is closed")
            if self._cell is not None and _has_gone_on(self._cell):
                await self._drop()
                return CodeOutcome(error=_GONE, stopped="died", lost=True)
            if self._cell is None:
                self._cell = await pool.take(self._recipe)
            step = Step(self._cell, self._tools, self._limits)
            try:
                return await step.run(code, call, bound=self._bound)
            finally:
                self._bound = True
                if not step.keep:
                    await self._drop()

    async def _drop(self) -> None:
        cell, self._cell = self._cell, None
        self._bound = False
        if cell is not None:
            await pool.end(cell)

    async def aclose(self) -> None:
        """End its processes; nothing of it is left."""
        self._closed = True
        if self._cell is not None:
            self._cell.kill()  # a step at work ends by that
        async with self._lock:
            await self._drop()


def _has_gone_on(cell: Cell) -> bool:
    """Say whether it has ended since the last step, or has said more, as no honest runner does."""
    with suppress(BlockingIOError):
        cell.line.recv(1)
        return True
    return False
