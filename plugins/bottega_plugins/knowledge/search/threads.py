"""Threads for the work of a search, which stay from one search to the next.

An event loop's own threads are begun and ended with it, and each `KnowledgeBase.search` has a loop
of its own: that costs as much as a search among a thousand passages. In such a loop nothing else
waits, so short work needs no other thread at all.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
_alone: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("alone", default=None)
"""The event loop that one search has for itself."""


async def alone(work: Coroutine[Any, Any, T]) -> T:
    """Do the work in a loop in which nothing else waits."""
    _alone.set(asyncio.get_running_loop())
    return await work


async def shortly(work: Callable[..., T], *values: object) -> T:
    """Return what the work makes of the values, which takes milliseconds: as `in_thread` does."""
    if _alone.get() is asyncio.get_running_loop():
        return work(*values)
    return await in_thread(work, *values)


async def in_thread(work: Callable[..., T], *values: object) -> T:
    """Return what the work makes of the values; the context's variables are not carried over."""
    return await asyncio.get_running_loop().run_in_executor(_pool(os.getpid()), work, *values)


@functools.cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the threads of a process; those of its parent do not survive a fork."""
    return ThreadPoolExecutor(thread_name_prefix=f"bottega-search-{process}")
