"""Threads for sync tools: reused while calls come fast, abandoned when a call hangs.

Not a pool with slots: a thread that does not come back takes nothing from other calls, and since
threads are daemons the process can exit without it. Nothing can kill a thread, so one that is
abandoned gets an exception raised in it, which ends Python code at its next instruction; code that
waits in C goes on until it returns.
"""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from bottega.errors import ToolError
from bottega.printed import Stopped

IDLE_SECONDS = 1.0
"""How long a thread waits for another call before it ends."""
MAX_ABANDONED = 200
"""Threads that hang at once before further calls are refused."""

_idle: deque[_Worker] = deque()
_abandoned: set[_Worker] = set()


class Call:
    """One function on its way through a thread. `future` gets (value, None) or (None, error).

    `leave` is called once, in the thread, when the function is left for good; an abandoned function
    that never ran is left, too.
    """

    __slots__ = ("context", "function", "future", "leave", "lock", "loop", "over", "thread")

    def __init__(self, function: Callable[[], Any], leave: Callable[[], None]) -> None:
        self.function = function
        self.leave = leave
        self.context = contextvars.copy_context()
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[tuple[Any, BaseException | None]] = self.loop.create_future()
        self.lock = threading.Lock()
        self.over = False
        self.thread: _Worker | None = None

    def start(self) -> None:
        """Hand the call to an idle thread, or to a new one."""
        try:
            worker = _idle.pop()
        except IndexError:
            if len(_abandoned) >= MAX_ABANDONED:
                raise ToolError(
                    f"{len(_abandoned)} earlier calls still hang; no further one is started"
                ) from None
            worker = _Worker()
            worker.start()
        self.thread = worker
        worker.calls.put(self)

    def abandon(self) -> None:
        """Wait no longer; end the function if Python can."""
        worker = self.thread
        with self.lock:
            if self.over or worker is None or worker.ident is None:
                return
            self.over = True
            worker.abandoned = self
            _abandoned.add(worker)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(worker.ident), ctypes.py_object(Stopped)
            )

    def run(self) -> None:
        """Call the function and report; in the thread."""
        value, problem = None, None
        try:
            value = self.context.run(self.function)
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is the tool's
            problem = error
        with self.lock:
            if self.over:
                return
            self.over = True
        self.leave()
        try:
            self.loop.call_soon_threadsafe(self._report, value, problem)
        except RuntimeError:  # the loop is closed: nobody waits
            return

    def _report(self, value: Any, problem: BaseException | None) -> None:
        if not self.future.done():
            self.future.set_result((value, problem))


class _Worker(threading.Thread):
    """A thread that runs one call after the other."""

    def __init__(self) -> None:
        super().__init__(name="bottega-tool", daemon=True)
        self.calls: SimpleQueue[Call] = SimpleQueue()
        self.abandoned: Call | None = None

    def run(self) -> None:
        try:
            self._work()
        except Stopped:  # raised from outside, after the call's own code was left
            return
        finally:
            _abandoned.discard(self)
            if (
                self.abandoned is not None
            ):  # Stopped has come, and comes once: nothing cuts this off
                self.abandoned.leave()

    def _work(self) -> None:
        while True:
            try:
                call = self.calls.get(timeout=IDLE_SECONDS)
            except Empty:
                try:
                    _idle.remove(self)
                except ValueError:  # taken for a call in this very moment
                    call = self.calls.get()
                else:
                    return
            call.run()
            del call
            if self.abandoned is not None:
                return
            _idle.append(self)
