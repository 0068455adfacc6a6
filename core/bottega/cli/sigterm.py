"""SIGTERM on the command line: calls under way may end, none begins, then the run is broken off.

A second signal, Ctrl-C too, breaks it off at once. How a run halts is `bottega.halt`.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
from contextlib import suppress

import click

from bottega.errors import InputError
from bottega.halt import HALT, Halt

GRACE = 5.0
"""Seconds that calls under way have for ending, unless BOTTEGA_GRACE says another number."""


def end_on_sigterm() -> None:
    """Have the task at work end when the process is told to. Raises InputError."""
    task = asyncio.current_task()
    assert task is not None
    ending = _Ending(task, _grace())
    HALT.set(ending.halt)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.signalled)


class _Ending:
    """What a signal does to one task."""

    def __init__(self, task: asyncio.Task[object], grace: float) -> None:
        self.halt = Halt()
        self._task = task
        self._grace = grace
        self._coming: asyncio.Task[None] | None = None

    def signalled(self) -> None:
        """Halt first, and cancel the second time."""
        if self.halt.wanted or not self._grace:
            self._task.cancel()
            return
        self.halt.want()
        click.echo(f"stopping: calls under way have {self._grace:g} seconds to end", err=True)
        self._coming = asyncio.get_running_loop().create_task(self._halted())

    async def _halted(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                await self.halt.come()
        self._task.cancel()


def _grace() -> float:
    text = os.environ.get("BOTTEGA_GRACE", "")
    try:
        seconds = float(text) if text else GRACE
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise InputError(f"BOTTEGA_GRACE must be a number of seconds, not {text!r}")
    return seconds
