"""A call into a stranger's code that the host survives, whatever it raises, prints or never ends.

This is about accidents, not attacks: a plugin is trusted code in this process (docs/plugins.md).
The call runs in a thread of its own, so that one that hangs can be given up, and a SystemExit or
KeyboardInterrupt that it raises is told from the user's own.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
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


def isolated(function: Callable[[], T], *, name: str, seconds: float) -> Outcome[T]:
    """Call the function and return what came of it; never raises what the function raises."""
    values: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        mute.thread = threading.get_ident()
        try:
            values.append(function())
        except BaseException as error:  # noqa: BLE001  # the host outlives also SystemExit
            errors.append(error)
        finally:
            mute.thread = None

    mute = _Mute(sys.stdout)
    before = set(threading.enumerate())
    worker = threading.Thread(target=work, name=f"bottega-plugin-{name}", daemon=True)
    sys.stdout = cast(TextIO, cast(object, mute))
    try:
        worker.start()
        worker.join(seconds)
    finally:
        if cast(object, sys.stdout) is mute:  # the plugin may have put its own there
            sys.stdout = mute.real
    timed_out = worker.is_alive()
    if timed_out:
        _interrupt(worker)
    left = {thread for thread in threading.enumerate() if thread is not worker} - before
    return Outcome(
        value=values[0] if values and not timed_out else None,
        error=errors[0] if errors and not timed_out else None,
        timed_out=timed_out,
        printed=mute.printed,
        threads=tuple(sorted(thread.name for thread in left)),
    )


class _Mute:
    """Standard output, except for what one thread writes."""

    def __init__(self, real: TextIO) -> None:
        self.real = real
        self.thread: int | None = None
        self.printed = 0

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
