"""A call into a stranger's code that the host survives, whatever it raises, prints or never ends.

This is about accidents, not attacks: a plugin is trusted code in this process (docs/plugins.md).
The call runs in another thread, so that one that hangs can be given up, and a SystemExit or
KeyboardInterrupt that it raises is told from the user's own.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TextIO, TypeVar, cast

from bottega.errors import InputError

T = TypeVar("T")

DEFAULT_SECONDS = 10.0
_VARIABLE = "BOTTEGA_PLUGIN_TIMEOUT"


class GivenUp(BaseException):
    """Raised inside a call that took too long; not an Exception, so that `except` lets it pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome(Generic[T]):
    """What came of a call: a value, an error, or neither within the time."""

    value: T | None = None
    error: BaseException | None = None
    timed_out: bool = False
    printed: int = 0
    """Characters that it wrote to standard output; they are not shown."""
    threads: tuple[str, ...] = ()
    """Names of the threads that it left running."""


def time_limit() -> float:
    """Return the seconds that a plugin may take. Raises InputError when they are no number."""
    text = os.environ.get(_VARIABLE, "").strip()
    if not text:
        return DEFAULT_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise InputError(f"{_VARIABLE} is {text!r}", hint="give a number of seconds above 0")
    return seconds


def isolated(calls: Sequence[tuple[str, Callable[[], T]]], *, seconds: float) -> list[Outcome[T]]:
    """Make the named calls, one after the other; return what came of each, raising nothing of it.

    They share a thread for as long as none of them hangs: fifty plugins cost one thread, not fifty.
    """
    outcomes: list[Outcome[T]] = []
    while len(outcomes) < len(calls):
        worker = _Worker(calls[len(outcomes) :])
        outcomes += worker.outcomes_within(seconds)
    return outcomes


class _Worker(Generic[T]):
    """A thread that makes calls until one hangs."""

    def __init__(self, calls: Sequence[tuple[str, Callable[[], T]]]) -> None:
        self._calls = calls
        self._outcomes: list[Outcome[T]] = []
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._given_up = False
        self._thread = threading.Thread(target=self._work, daemon=True)

    def outcomes_within(self, seconds: float) -> list[Outcome[T]]:
        """Return an outcome for each call, up to the first that takes too long."""
        self._thread.start()
        while self._thread.is_alive():
            self._thread.join(max(0.001, self._began + seconds - time.monotonic()))
            with self._lock:
                late = self._thread.is_alive() and time.monotonic() >= self._began + seconds
                if late and len(self._outcomes) < len(self._calls):
                    self._given_up = True
                    _Mute.lift()
                    _interrupt(self._thread)
                    return [*self._outcomes, Outcome(timed_out=True)]
        return self._outcomes

    def _work(self) -> None:
        with suppress(GivenUp):  # it may arrive anywhere below
            for name, function in self._calls:
                self._thread.name = f"bottega-plugin-{name}"
                outcome = _outcome(function)
                with self._lock:
                    if self._given_up:
                        return
                    self._outcomes.append(outcome)
                    self._began = time.monotonic()


def _outcome(function: Callable[[], T]) -> Outcome[T]:
    """Make one call, in the thread that is there for it."""
    before = set(threading.enumerate())
    value, caught = None, None
    with _Mute.installed() as mute:
        try:
            value = function()
        except GivenUp:
            raise
        except BaseException as error:  # noqa: BLE001  # the host outlives also SystemExit
            caught = error
    left = {thread.name for thread in threading.enumerate() if thread not in before}
    return Outcome(value=value, error=caught, printed=mute.printed, threads=tuple(sorted(left)))


class _Mute:
    """Standard output, except for what one thread writes."""

    def __init__(self, real: TextIO) -> None:
        self.real = real
        self.thread: int | None = threading.get_ident()
        self.printed = 0

    @classmethod
    @contextmanager
    def installed(cls) -> Generator[_Mute]:
        """Silence this thread; what it leaves behind writes again afterwards."""
        mute = cls(sys.stdout)
        sys.stdout = cast(TextIO, cast(object, mute))
        try:
            yield mute
        finally:
            mute.thread = None
            if cast(object, sys.stdout) is mute:  # the plugin may have put its own there
                cls.lift()

    @classmethod
    def lift(cls) -> None:
        """Put standard output back."""
        current = cast(object, sys.stdout)
        if isinstance(current, cls):
            sys.stdout = current.real

    def write(self, text: str) -> int:
        if threading.get_ident() != self.thread:
            return self.real.write(text)
        self.printed += len(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def _interrupt(worker: threading.Thread) -> None:
    """Stop a thread that spins in Python; one that waits in C stays, and ends with the process."""
    import ctypes

    ident = ctypes.c_ulong(worker.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(GivenUp))
