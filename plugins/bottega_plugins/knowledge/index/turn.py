"""Turns of one process's writers: each waits until those that came before it have ended.

Other processes are kept out by the lock (`lock`), which is taken when the turn has come. A writer
that is called from inside another one's work would wait for itself, so it is refused at once.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bottega.errors import StorageError
from bottega.runnable import held_up
from bottega_plugins.knowledge.index.lock import holder, is_being_written

T = TypeVar("T")
_PATIENCE = 60.0
"""Seconds that a writer waits while the one before it gets no further."""


@dataclass(eq=False, kw_only=True, slots=True)
class Turn:
    """A writer's turn: waited for in a line, then held by the first in it."""

    folder: Path
    come: asyncio.Future[None]
    """Done when the turn has come."""
    moved: float = math.inf
    """When it last got further, in seconds of the monotonic clock."""
    holder: str = ""

    @property
    def is_held(self) -> bool:
        """Whether it has come and is not over."""
        return _lines.first(self.folder) is self

    def move(self) -> None:
        """Get further."""
        self.moved = time.monotonic()

    @contextmanager
    def moving(self) -> Generator[None]:
        """Get further all the time: for work that takes long and calls nothing of the caller's."""
        self.moved = math.inf
        try:
            yield
        finally:
            self.move()

    def telling(self, report: Callable[[T], object]) -> Callable[[T], None]:
        """Return a report that also gets the turn further."""

        def tell(progress: T) -> None:
            self.move()
            report(progress)

        return tell

    async def through(self, things: AsyncIterator[T]) -> AsyncGenerator[T]:
        """Yield the things; each gets the turn further."""
        async for each in things:
            self.move()
            yield each


class _Lines:
    """The turns at each folder, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all: a forked process has none of the threads that held them."""
        self._of: dict[str, deque[Turn]] = {}
        self._guard = threading.RLock()  # the garbage collector may make a turn leave, anywhere

    def first(self, folder: Path) -> Turn | None:
        """Return the turn that is held."""
        with self._guard:
            line = self._of.get(str(folder))
            return line[0] if line else None

    def join(self, own: Turn) -> None:
        """Put a turn at the end. Raises StorageError where it can never come."""
        with self._guard:
            line = self._of.setdefault(str(own.folder), deque())
            if line and line[0] in _inside.get():
                raise StorageError(
                    f"the index {own.folder} is being written by what now asks to write it again",
                    hint="let the first writer end before the next one begins",
                )
            if any(turn.come.get_loop() in held_up.get() for turn in tuple(line)):
                raise StorageError(
                    f"the index {own.folder} is being written in the event loop this call holds up",
                    hint="inside a running event loop, await aadd(), adelete() or aupdate()",
                )
            line.append(own)
            if len(line) == 1:
                _call_first(line)

    def leave(self, own: Turn) -> None:
        """Take a turn out and call the next."""
        with self._guard:
            line = self._of.get(str(own.folder), deque[Turn]())
            if own not in line:
                return
            was_first = line[0] is own
            line.remove(own)
            if was_first:
                _call_first(line)
            if not line:
                del self._of[str(own.folder)]


_lines = _Lines()
os.register_at_fork(after_in_child=_lines.begin_anew)
_inside: ContextVar[tuple[Turn, ...]] = ContextVar("inside", default=())
"""The turns inside which this code runs; those that are over may be among them."""


@asynccontextmanager
async def turn_at(folder: Path) -> AsyncGenerator[Turn]:
    """Hold the turn at a folder's index, waiting until it comes.

    Raises StorageError when it can never come, because a writer before this one waits for it, and
    when that one has got no further for a minute.
    """
    own = Turn(folder=folder, come=asyncio.get_running_loop().create_future())
    _lines.join(own)
    try:
        while not own.come.done():
            await asyncio.wait([own.come], timeout=_patience(own))
        # never taken back, as what began inside may go on: whether it is over is looked up
        _inside.set((*(turn for turn in _inside.get() if turn.is_held), own))
        yield own
    finally:
        _lines.leave(own)


def _call_first(line: deque[Turn]) -> None:
    """Tell the first in the line that its turn has come."""
    while line:
        first = line[0]
        first.move()
        first.holder = holder()
        try:
            first.come.get_loop().call_soon_threadsafe(_come, first.come)
        except RuntimeError:  # its loop was closed, and nothing in there goes on
            line.popleft()
        else:
            return


def _come(come: asyncio.Future[None]) -> None:
    if not come.done():
        come.set_result(None)


def _patience(own: Turn) -> float:
    """Return for how many seconds to wait. Raises StorageError when it has been too long."""
    first = _lines.first(own.folder) or own
    left = min(_PATIENCE, first.moved + _PATIENCE - time.monotonic())
    if left <= 0:
        raise is_being_written(own.folder, first.holder)
    return left
