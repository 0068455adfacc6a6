"""Work on a few things at once, its results in the order of the things."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")


async def ahead(
    things: Iterable[S], work: Callable[[S], Coroutine[Any, Any, T]], many: int
) -> AsyncGenerator[T]:
    """Yield what the work makes of each thing; up to `many` are begun and not yet yielded.

    To be closed by who leaves it early, so that nothing goes on behind.
    """
    begun: deque[asyncio.Task[T]] = deque()
    try:
        for thing in things:
            begun.append(asyncio.create_task(work(thing)))
            if len(begun) == many:
                yield await begun.popleft()
        while begun:
            yield await begun.popleft()
    finally:
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
