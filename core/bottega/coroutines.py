"""Awaiting a tool's coroutine in the caller's own task, as safely as in a task of its own.

A task costs as much as a whole call. What it would be good for is done here instead, between the
coroutine and the loop: a time limit; telling a coroutine that cancels itself from a caller that is
cancelled; leaving a coroutine behind that does not end when it is told to.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine, Generator
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")

GRACE = 1.0
"""Seconds that a coroutine has for cleaning up when its time is over."""
CANCEL_GRACE = 8.0
"""Seconds that it has when the caller is cancelled: a process that is told to end does so in 10."""


class ExpiredError(Exception):
    """The time is up."""


class EscapedError(Exception):
    """The coroutine raised what would end the caller too, such as SystemExit."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(type(error).__name__)
        self.error = error


class Guarded(Generic[T]):
    """Await this in place of the coroutine.

    Raises ExpiredError when the seconds are over, the coroutine's own Exceptions as they are and
    what else it raises as an EscapedError. CancelledError is raised only when the awaiting task is
    cancelled by others. A coroutine that ignores its cancellation is closed after a time of grace.
    """

    __slots__ = (
        "_abandoned",
        "_base",
        "_closed",
        "_coroutine",
        "_expired",
        "_own",
        "_pushed",
        "_seconds",
        "_task",
        "_timer",
    )

    def __init__(self, coroutine: Coroutine[Any, Any, T], seconds: float | None) -> None:
        task = asyncio.current_task()
        if task is None:
            coroutine.close()
            raise RuntimeError("a tool is called within a task of asyncio")
        self._task = task
        self._base = task.cancelling()
        self._coroutine = coroutine
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._expired = self._abandoned = self._closed = False
        # cancellations of the task that came from the coroutine itself, and from our timer
        self._own = self._pushed = 0

    def __await__(self) -> Generator[Any, Any, T]:
        error: BaseException | None = None
        result: Any = None
        try:
            result = yield from self._steps()
        except BaseException as raised:
            if self._closed or _is_persons(raised):
                raise
            error = raised
        finally:
            if self._timer is not None:
                self._timer.cancel()
        if self._own:
            with suppress(asyncio.CancelledError):
                yield  # a cancellation that is still on its way arrives here
        for _ in range(self._own + self._pushed):
            self._task.uncancel()
        if self._task.cancelling() > self._base:
            raise asyncio.CancelledError from error
        if self._expired:
            raise ExpiredError from error
        if error is None:
            return result  # type: ignore[no-any-return]  # it is the coroutine's
        if isinstance(error, Exception):
            raise error
        raise EscapedError(error) from error

    def _steps(self) -> Generator[Any, Any, T]:
        try:
            waited_for = self._step(None)  # most calls end here, without any timer
            self._start_timer(self._seconds)
            while True:
                error: BaseException | None = None
                try:
                    yield waited_for
                except GeneratorExit:
                    self._closed = True
                    self._coroutine.close()
                    raise
                except asyncio.CancelledError as cancelled:
                    error = cancelled
                    self._prepare_to_leave()
                except BaseException as raised:  # noqa: BLE001  # the loop's word to the coroutine
                    error = raised
                if self._abandoned:
                    self._leave()
                    raise asyncio.CancelledError
                waited_for = self._step(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def _step(self, error: BaseException | None) -> Any:
        """Let the coroutine run up to its next await, counting how often it cancels the task."""
        before = self._task.cancelling()
        try:
            if error is None:
                return self._coroutine.send(None)
            return self._coroutine.throw(error)
        finally:
            self._own = max(0, self._own + self._task.cancelling() - before)

    def _start_timer(self, seconds: float | None) -> None:
        if seconds is not None:
            self._timer = self._task.get_loop().call_later(seconds, self._push)

    def _push(self) -> None:
        """Cancel the task: the time is up, or after that the time of grace."""
        if self._expired or self._cancelled_by_others():
            self._abandoned = True
        else:
            self._expired = True
        self._pushed += 1
        self._task.cancel()

    def _cancelled_by_others(self) -> bool:
        return self._task.cancelling() - self._own - self._pushed > self._base

    def _prepare_to_leave(self) -> None:
        """Set the time of grace; a timeout of the coroutine's own goes on as it would."""
        by_others = self._cancelled_by_others()
        if not self._expired and not by_others:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._start_timer(GRACE if self._expired else CANCEL_GRACE)

    def _leave(self) -> None:
        with suppress(BaseException):
            self._coroutine.close()


def _is_persons(error: BaseException) -> bool:
    """Whether it is a person's Ctrl-C: not where asyncio.run has taken those over."""
    return (
        isinstance(error, KeyboardInterrupt)
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
