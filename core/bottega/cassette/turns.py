"""Whose turn it is when a cassette is played: what was recorded first goes first.

Nothing takes time then, so that parallel branches would race for the last step of a budget in
another order. A call is answered once all that was recorded before it has happened. Where that does
not come, the run has left its recording, and nobody waits any longer: the difference shows by
itself.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

PATIENCE = 5.0
"""Seconds in which something must happen."""


class Turns:
    """The numbers of what is to happen, in order."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = sorted(numbers)
        self._next = 0
        self._done: set[int] = set()
        self._waiting: defaultdict[int, list[asyncio.Future[None]]] = defaultdict(list)
        self._over = False

    def done(self, number: int) -> None:
        """Say that it has happened."""
        self._done.add(number)
        while self._next < len(self._numbers) and self._numbers[self._next] in self._done:
            self._next += 1
        self._wake()

    def stop(self) -> None:
        """Let nobody wait any longer."""
        self._over = True
        self._wake()

    async def turn(self, number: int) -> None:
        """Wait until everything before the number has happened."""
        while not self._is_due(number):
            before = len(self._done)
            waiting = asyncio.get_running_loop().create_future()
            self._waiting[number].append(waiting)
            try:
                await asyncio.wait_for(waiting, PATIENCE)
            except TimeoutError:
                if len(self._done) == before:
                    self.stop()

    def _is_due(self, number: int) -> bool:
        if self._over or self._next >= len(self._numbers):
            return True
        return self._numbers[self._next] >= number

    def _wake(self) -> None:
        for number in [number for number in self._waiting if self._is_due(number)]:
            for waiting in self._waiting.pop(number):
                waiting.get_loop().call_soon_threadsafe(_release, waiting)


def _release(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
