"""Open stores: one a file for the whole process, one a URL for each event loop.

Closing the last connection of a write-ahead log folds the log into the file and waits for the disk:
tens of milliseconds that a run should not pay. So SQLite stores stay open until the process ends.
Connections to a server belong to the event loop they were made in: they are shared by the runs that
are under way there, and closed after the last one.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from bottega.home import DATABASE, scheme, state_folder
from bottega.store import Store, make_checkpointer
from bottega_agents.storage.sqlite import InlineSqliteSaver

if TYPE_CHECKING:
    from bottega.plugin.manager import PluginManager

MOST_IDLE = 16
"""Idle stores beyond this are closed, the one opened first at first, to spare file descriptors."""


@dataclass(slots=True)
class _Open:
    """An open store."""

    saver: InlineSqliteSaver
    inode: int
    users: int = 0


_open: dict[Path, _Open] = {}
_replaced: list[_Open] = []
"""Stores whose file was deleted or replaced while a run used them."""
_lock = threading.Lock()


def open_store(file: Path) -> InlineSqliteSaver:
    """Return the store in that file, until `release_store`. Raises StorageError.

    A file that was deleted or replaced since is opened anew.
    """
    path = file.absolute()
    with _lock:
        known = _open.get(path)
        if known is None or known.inode != _inode(path):
            if known is not None:
                _replaced.append(_open.pop(path))
                _close_replaced()
            saver = InlineSqliteSaver(path)
            known = _open[path] = _Open(saver, _inode(path))
        known.users += 1
        return known.saver


def release_store(saver: InlineSqliteSaver) -> None:
    """Say that a run needs the store no longer; it stays open for the next one."""
    with _lock:
        for store in (*_open.values(), *_replaced):
            if store.saver is saver:
                store.users -= 1
        _close_replaced()
        idle = [path for path, store in _open.items() if store.users <= 0]
        for path in idle[: max(0, len(_open) - MOST_IDLE)]:
            _open.pop(path).saver.close()


@dataclass(slots=True)
class _Shared:
    """A store at a URL, in use in one event loop."""

    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)
    saver: Any = None


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def use_store(
    address: str | Path, plugins: PluginManager | None = None
) -> AsyncGenerator[tuple[Any, Store], None]:
    """Open the store for a while: yield LangGraph's checkpointer, and what keeps the runs.

    They are one where the checkpointer knows runs; beside any other the runs are kept in the SQLite
    file of the working directory. Raises StorageError, UnknownNameError, NotInstalledError.
    """
    if scheme(address) == "sqlite":
        opened = open_store(Path(address))
        try:
            yield opened, opened
        finally:
            release_store(opened)
        return
    async with _at_url(str(address), plugins) as saver:
        if isinstance(saver, Store):
            yield saver, saver
            return
        runs = open_store(state_folder(Path.cwd()) / DATABASE)
        try:
            yield saver, runs
        finally:
            release_store(runs)


@asynccontextmanager
async def _at_url(url: str, plugins: PluginManager | None) -> AsyncGenerator[Any, None]:
    here = _shared.setdefault(asyncio.get_running_loop(), {})
    shared = here.setdefault(url, _Shared())
    shared.users += 1
    try:
        async with shared.opening:
            if shared.saver is None:
                made = make_checkpointer(url, plugins)
                if isinstance(made, AbstractAsyncContextManager):
                    opened = cast("AbstractAsyncContextManager[Any]", made)
                    made = await shared.closing.enter_async_context(opened)
                shared.saver = made
        yield shared.saver
    finally:
        shared.users -= 1
        if not shared.users:
            here.pop(url, None)
            await shared.closing.aclose()


def _close_replaced() -> None:
    """Close the stores of deleted files that no run uses any longer."""
    for store in [one for one in _replaced if one.users <= 0]:
        _replaced.remove(store)
        store.saver.close()


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1


@atexit.register
def close_stores() -> None:
    """Close every store."""
    with _lock:
        for store in (*_open.values(), *_replaced):
            store.saver.close()
        _open.clear()
        _replaced.clear()


def _forget_after_fork() -> None:
    """Drop the parent's connections in a forked child: SQLite forbids their use there."""
    global _lock  # noqa: PLW0603  # the parent's lock may be held for ever here
    _lock = threading.Lock()
    _open.clear()
    _replaced.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
