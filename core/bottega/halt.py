"""Breaking runs off between two calls: what is under way ends first, and nothing new begins.

What asks for it, and how long it waits, is for others to say: on the command line a signal does
(`bottega.cli.session`). A run that stands still here loses nothing when it is cancelled.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar


class Halt:
    """Lets runs come to a halt; `HALT` makes it known to those that begin after that."""

    def __init__(self) -> None:
        self.wanted = False
        """Whether no call is to begin any more."""
        self._under_way = 0
        self._waiting = 0
        self._still = asyncio.Event()

    def want(self) -> None:
        """Let no call begin from now on."""
        self.wanted = True
        self._look()

    async def come(self) -> None:
        """Wait until a run wants to go on and cannot, and no call is under way."""
        await self._still.wait()

    async def begin(self) -> None:
        """Begin a call; wait for ever when no call is to begin."""
        if self.wanted:
            self._waiting += 1
            self._look()
            await asyncio.get_running_loop().create_future()
        self._under_way += 1

    def end(self) -> None:
        """End a call, with what was written down of it."""
        self._under_way -= 1
        self._look()

    def _look(self) -> None:
        if self.wanted and self._waiting and not self._under_way:
            self._still.set()


HALT: ContextVar[Halt | None] = ContextVar("bottega_halt", default=None)
"""What may halt the runs that begin here."""
_INSIDE: ContextVar[bool] = ContextVar("bottega_inside_call", default=False)


class call_under_way:  # noqa: N801  # used as a function, at every step: a generator takes 2 µs
    """Make a call that is ended rather than begun when the run is to halt.

    What a call does within itself, such as another agent's work, is part of it.
    """

    __slots__ = ("_halt", "_outside")

    async def __aenter__(self) -> None:
        self._halt = HALT.get()
        if self._halt is not None and _INSIDE.get():
            self._halt = None
        if self._halt is not None:
            await self._halt.begin()
            self._outside = _INSIDE.set(True)

    async def __aexit__(self, *exception: object) -> None:
        if self._halt is not None:
            _INSIDE.reset(self._outside)
            self._halt.end()
