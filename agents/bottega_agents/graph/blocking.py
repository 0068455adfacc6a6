"""The synchronous way into an asynchronous node, for those who call a graph with `invoke`.

One event loop in a thread of its own serves all such calls of the process, so that models keep
their connections, and nodes that LangGraph runs in several threads are at work side by side.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from bottega_agents.storage.calls import INVOKED

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable, RunnableConfig

_lock = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []


def either_way(run: Callable[..., Awaitable[Any]], inner: Any = None) -> Runnable[Any, Any]:
    """Return a LangGraph node that can be invoked and awaited.

    `inner` is a graph that it runs: LangGraph looks for it among what the functions refer to.
    """
    from langgraph.utils.runnable import RunnableCallable  # type: ignore[attr-defined]  # no __all__

    def blocking(state: Any, config: RunnableConfig) -> Any:
        _ = inner
        return _wait_for(_awaited(run(state, config)))

    async def awaiting(state: Any, config: RunnableConfig) -> Any:
        _ = inner
        outside = INVOKED.set(False)
        try:
            return await run(state, config)
        finally:
            INVOKED.reset(outside)

    # the annotations are texts, which LangGraph reads as they stand
    return RunnableCallable(blocking, awaiting, trace=False, recurse=False)


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


def _wait_for(work: Coroutine[Any, Any, Any]) -> Any:
    """Run the coroutine on the loop of all such calls, in the caller's context."""
    loop, context = _loop(), contextvars.copy_context()
    context.run(INVOKED.set, True)
    done: Future[Any] = Future()

    def begin() -> None:
        task = loop.create_task(work, context=context)
        task.add_done_callback(lambda task: _settle(done, task))

    loop.call_soon_threadsafe(begin)
    return done.result()


def _settle(done: Future[Any], task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        done.cancel()
        return
    error = task.exception()
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(task.result())


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        if not _loops:
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name="bottega-nodes", daemon=True)
            thread.start()
            _loops.append(loop)
        return _loops[0]


def _forget_after_fork() -> None:
    """Drop the parent's loop in a forked child: its thread is not there."""
    global _lock  # noqa: PLW0603  # the parent's lock may be held for ever here
    _lock = threading.Lock()
    _loops.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
