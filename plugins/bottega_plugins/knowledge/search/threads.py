"""Threads for the work of a search, which stay from one search to the next.

An event loop's own threads are begun and ended with it, and each `KnowledgeBase.search` has a loop
of its own: that costs as much as a search among a thousand passages.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *values: object) -> T:
    """Return what the work makes of the values; the context's variables are not carried over."""
    return await asyncio.get_running_loop().run_in_executor(_pool(os.getpid()), work, *values)


@functools.cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the threads of a process; those of its parent do not survive a fork."""
    return ThreadPoolExecutor(thread_name_prefix=f"bottega-search-{process}")
