"""The four ways to run an agent or a graph: `run`, `arun`, `stream`, `astream`.

One async core; the two sync ones drive the same iterator on an event loop of their own.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing
from typing import Any, TypeVar

from bottega.budget import Budget
from bottega.errors import InputError
from bottega.events import Event
from bottega.result import Result
from bottega.run import Ask
from bottega.secrets import mask

T = TypeVar("T")
LONGEST_THREAD = 200
"""Characters of a thread's name."""
held_up: contextvars.ContextVar[tuple[asyncio.AbstractEventLoop, ...]] = contextvars.ContextVar(
    "held_up", default=()
)
"""Event loops that stand still until what runs in this context has ended."""


class Runnable(ABC):
    """Something that takes a task and comes to an answer."""

    @abstractmethod
    def astream(
        self,
        task: str,
        *,
        thread: str | None = None,
        limits: Budget | None = None,
        ask: Ask | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Run the task and yield its events as they happen.

        `thread` names a conversation that later runs go on with; its state is kept on disk.
        Closing the iterator cancels the run at once. Raises InputError for an empty task.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Let go of connections; the next run opens them again."""

    async def arun(
        self,
        task: str,
        *,
        thread: str | None = None,
        limits: Budget | None = None,
        ask: Ask | None = None,
    ) -> Result:
        """Run the task to its end. What goes wrong in it is told by `Result.status`."""
        stream = self.astream(task, thread=thread, limits=limits, ask=ask)
        async with aclosing(stream) as events:
            return Result.from_events([event async for event in events])

    def run(
        self,
        task: str,
        *,
        thread: str | None = None,
        limits: Budget | None = None,
        ask: Ask | None = None,
    ) -> Result:
        """Run the task and wait for its end; works inside a running event loop, too."""

        async def whole() -> Result:
            try:
                return await self.arun(task, thread=thread, limits=limits, ask=ask)
            finally:
                await self.aclose()

        return outside_loop(whole)

    def stream(
        self,
        task: str,
        *,
        thread: str | None = None,
        limits: Budget | None = None,
        ask: Ask | None = None,
    ) -> Iterator[Event]:
        """Run the task and yield its events. Raises InputError inside a running event loop."""
        if _loop_is_running():
            raise InputError(
                "stream() was called inside a running event loop", hint="use astream() there"
            )
        events = self.astream(task, thread=thread, limits=limits, ask=ask)
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        with asyncio.Runner() as runner:
            pump = runner.get_loop().create_task(_pump(events, queue))
            try:
                while (event := runner.run(queue.get())) is not None:
                    yield event
            finally:
                runner.run(_stop(pump, self))


async def _pump(events: AsyncGenerator[Event, None], queue: asyncio.Queue[Event | None]) -> None:
    """Drive the run in one task, whoever reads the queue and when."""
    try:
        async with aclosing(events) as stream:
            async for event in stream:
                queue.put_nowait(event)
    finally:
        queue.put_nowait(None)


async def _stop(pump: asyncio.Task[None], runnable: Runnable) -> None:
    pump.cancel()
    try:
        await pump
    except asyncio.CancelledError:
        pass  # our own doing
    finally:
        await runnable.aclose()


def checked_task(task: str) -> str:
    """Return the task, with what is secret in it masked.

    Raises InputError when there is nothing in it, or when it is no text.
    """
    if not _is_text(task):
        raise InputError(f"the task must be a text, not {type(task).__name__}")
    if not task.strip():
        raise InputError("the task is empty", hint="say what the agents should do")
    return mask(_encodable(task, "the task"))


def checked_thread(thread: str) -> str:
    """Return the thread's name. Raises InputError when it cannot be one."""
    if not thread.strip() or len(thread) > LONGEST_THREAD or not thread.isprintable():
        raise InputError(
            "the thread's name is empty, too long or not printable",
            hint=f"use at most {LONGEST_THREAD} letters, digits and signs",
        )
    return _encodable(thread, "the thread's name")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _encodable(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{what} is no valid text", hint="give it as UTF-8") from error
    return text


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def outside_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run the coroutine on a loop of its own: in a thread if this one has a loop already."""
    if not _loop_is_running():
        return asyncio.run(work())
    result: list[T] = []
    error: list[BaseException] = []

    def target() -> None:
        try:
            result.append(asyncio.run(work()))
        except BaseException as caught:  # noqa: BLE001  # handed to the caller, not swallowed
            error.append(caught)

    context = contextvars.copy_context()  # an open cassette listens there, too
    context.run(held_up.set, (*held_up.get(), asyncio.get_running_loop()))
    thread = threading.Thread(target=context.run, args=(target,), name="bottega-run")
    thread.start()
    thread.join()
    if error:
        raise error[0]
    return result[0]
