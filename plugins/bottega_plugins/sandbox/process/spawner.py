"""The one thread that starts sandboxes.

The kernel ends a sandbox when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG); so
that this means the end of the host, all are started by a thread that lives as long as it does.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

_Work = Callable[[], None]


class _Spawner:
    """A daemon thread that does one piece of work after the other."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="bottega-sandbox-spawner", daemon=True).start()

    def do(self, work: _Work) -> None:
        self._work.put(work)

    def _serve(self) -> None:
        while True:
            self._work.get()()


_lock = threading.Lock()
_spawners: list[_Spawner] = []
"""None or one."""


def spawn(start: Callable[[], T]) -> Future[T]:
    """Have the thread call this; return what comes of it."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(start())
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            future.set_exception(error)

    with _lock:
        if not _spawners:
            _spawners.append(_Spawner())
        _spawners[0].do(work)
    return future


def settle() -> None:
    """Wait until all is done that the thread was given, and what follows from it in the thread."""
    with _lock:
        has_work = bool(_spawners)
    if has_work:
        spawn(lambda: None).result()


def _forget() -> None:
    """Start anew in a process forked from the host: threads do not come along."""
    global _lock  # noqa: PLW0603  # it may have been held while the fork was made
    _lock = threading.Lock()
    _spawners.clear()


os.register_at_fork(after_in_child=_forget)
