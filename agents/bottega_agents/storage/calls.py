"""Calls of a saver: as the graph is called, since many savers can be called in one way only.

LangGraph's `SqliteSaver` and `PostgresSaver` know no asynchronous calls; its `AsyncSqliteSaver`
takes them in its own event loop alone.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

INVOKED: ContextVar[bool] = ContextVar("bottega_invoked", default=False)
"""Whether somebody waits for the graph in a thread: it was called with `invoke`."""


async def in_thread(call: Callable[[], T]) -> T:
    """Call in a thread of its own: one of a pool could wait for others of the same pool."""
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # without an error there is one

    def run() -> None:
        result: T | None = None
        failed: BaseException | None = None
        try:
            result = context.run(call)
        except BaseException as error:  # noqa: BLE001  # it is raised where the call is awaited
            failed = error
        loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name="bottega-saver", daemon=True).start()
    return await done


async def called(thing: Any, name: str, *arguments: Any) -> Any:
    """Call a method of a saver, or of a graph: `name`, or `aname` where the graph is awaited."""
    if INVOKED.get():
        return await in_thread(lambda: getattr(thing, name)(*arguments))
    return await getattr(thing, f"a{name}")(*arguments)
