"""An event loop in a thread of its own, where the connections to servers live.

A connection outlasts the event loops of single runs, which come and go with `Agent.run`, and must
be closed by the task that opened it. There is one such thread in a process, made when it is needed.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""By process: a child that was forked has no thread of its parent's."""


def background() -> asyncio.AbstractEventLoop:
    """Return the loop, running."""
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            _loops.clear()
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="bottega-mcp", daemon=True).start()
        return loop


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Start the work on the loop."""
    return asyncio.run_coroutine_threadsafe(work, background())


async def elsewhere(work: Coroutine[Any, Any, T]) -> T:
    """Await work that runs on the loop; it is cancelled when the caller is."""
    return await asyncio.wrap_future(submit(work))
