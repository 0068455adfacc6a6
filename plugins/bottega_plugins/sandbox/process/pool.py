"""Sandboxes kept warm: for every recipe in use, one stands ready before it is asked for.

They belong to the process, not to an event loop: any loop in any thread may take one. What has had
code in it is never given to another session.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from concurrent.futures import Future
from functools import lru_cache

from bottega.errors import SandboxError
from bottega_plugins.sandbox.process.cell import Cell
from bottega_plugins.sandbox.process.cgroup import Places, find_places
from bottega_plugins.sandbox.process.recipe import Recipe
from bottega_plugins.sandbox.process.spawner import settle, spawn

MAX_SPARES = 4
"""Recipes for which a sandbox stands ready; the one asked for longest ago makes room."""
_PAUSE = 0.05
"""Seconds until another one is made: the first step, which somebody waits for, goes first."""


class _Pool:
    """The spares, and all that is at work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spares: dict[Recipe, Future[Cell]] = {}
        self._at_work: set[Cell] = set()

    def take(self, recipe: Recipe) -> Future[Cell]:
        """Return the spare of that recipe, or one that is being made."""
        return self._living(recipe) or spawn(lambda: self._make(recipe))

    def keep(self, recipe: Recipe) -> Future[Cell]:
        """Have a spare made of that recipe where there is none."""
        dropped: list[Future[Cell]] = []
        spare = self._living(recipe) or spawn(lambda: self._make(recipe))
        with self._lock:
            if recipe in self._spares:  # another thread was quicker
                dropped.append(self._spares.pop(recipe))
            self._spares[recipe] = spare  # at the end: the first is the one used longest ago
            while len(self._spares) > MAX_SPARES:
                dropped.append(self._spares.pop(next(iter(self._spares))))
        for each in dropped:
            _discard(each)
        return spare

    def _living(self, recipe: Recipe) -> Future[Cell] | None:
        """Take the spare out; None where there is none, or it has died."""
        with self._lock:
            spare = self._spares.pop(recipe, None)
        if spare is None or not _has_died(spare):
            return spare
        _discard(spare)
        return None

    def _make(self, recipe: Recipe) -> Cell:
        cell = _built(recipe)
        with self._lock:
            self._at_work.add(cell)
        return cell

    def end(self, cell: Cell) -> None:
        """End a sandbox and wait until it is gone."""
        with self._lock:
            if cell not in self._at_work:
                return
            self._at_work.discard(cell)
        cell.end()

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            spares = list(self._spares.values())
            self._spares.clear()
        for spare in spares:
            spare.exception()  # waits until it is made
        settle()  # one that was given up is made all the same, and ended then
        for cell in list(self._at_work):
            self.end(cell)


_pool = _Pool()
_forgotten: list[_Pool] = []


@lru_cache(maxsize=1)
def places() -> Places | None:
    """Find where control groups can be made, once."""
    return find_places()


async def take(recipe: Recipe) -> Cell:
    """Return a sandbox that waits for its first step. Raises SandboxError."""
    try:
        return await _taken(recipe)
    except SandboxError:  # one that stood ready may have ended just now; a fresh one tells
        return await _taken(recipe)


async def _taken(recipe: Recipe) -> Cell:
    future = _pool.take(recipe)
    try:
        cell = await asyncio.shield(asyncio.wrap_future(future))
        if not cell.is_ready:
            await cell.ready()
    except BaseException:
        _discard(future)
        raise
    asyncio.get_running_loop().call_later(_PAUSE, _pool.keep, recipe)
    return cell


async def end(cell: Cell) -> None:
    """End a sandbox, also where the one who waits for it is cancelled."""
    cell.kill()
    await asyncio.shield(asyncio.to_thread(_pool.end, cell))


def try_out(recipe: Recipe) -> None:
    """See to it that such a sandbox can be made, and keep it for use. Raises SandboxError."""
    future = _pool.keep(recipe)
    cell = future.result()
    if not cell.is_ready:
        cell.wait_ready()


@atexit.register
def close() -> None:
    """End all sandboxes of this process; the next step starts anew."""
    _pool.close()


def _built(recipe: Recipe) -> Cell:
    if recipe.walls == "bubblewrap":
        return Cell(recipe, places())
    from bottega_plugins.sandbox.process.lock_cell import LockCell

    return LockCell(recipe)


def _has_died(future: Future[Cell]) -> bool:
    return future.done() and (future.exception() is not None or not future.result().is_alive)


def _discard(future: Future[Cell]) -> None:
    """End what comes of it, now or as soon as it is there."""

    def finish(made: Future[Cell]) -> None:
        if made.exception() is None:
            _pool.end(made.result())

    future.add_done_callback(finish)


def _forget() -> None:
    """Leave the parent's sandboxes alone, in a process forked from it."""
    global _pool  # noqa: PLW0603  # a lock may have been held while the fork was made
    _forgotten.append(_pool)  # not freed: that would close what belongs to the parent
    _pool = _Pool()


os.register_at_fork(after_in_child=_forget)
