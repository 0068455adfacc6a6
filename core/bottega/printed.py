"""Catching what tools print, each call's own, while everything else prints as before.

Standard output belongs to the whole process. While tool calls run, a router stands in its place and
sends each write to the call in whose context it is made; writes outside any call go on to where
they would have gone. What native code writes to the file descriptor itself is not seen here: that
takes `isolation="process"`.
"""

from __future__ import annotations

import contextvars
import io
import sys
import threading
from collections.abc import Iterable
from typing import Any, TextIO

MAX_PRINTED = 10_000
"""Characters kept of one call."""


class Stopped(BaseException):
    """Raised in a call that goes on after its time, to end it. Not an Exception, so as to pass."""


class Printed:
    """What one call printed: the beginning, and the count of the rest."""

    __slots__ = ("_dropped", "_kept", "_parts", "stopped")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._kept = 0
        self._dropped = 0
        self.stopped = False
        """The call is over: nothing more is taken, and whoever still prints is ended."""

    def write(self, text: str) -> None:
        """Keep what there is room for."""
        if self.stopped:
            raise Stopped
        room = MAX_PRINTED - self._kept
        if room > 0:
            self._parts.append(text[:room])
            self._kept += len(self._parts[-1])
        self._dropped += max(0, len(text) - max(0, room))

    @property
    def text(self) -> str:
        """What was kept, and a note on what was not."""
        if not self._parts:
            return ""
        text = "".join(self._parts)
        return f"{text}\n[{self._dropped:,} more characters]" if self._dropped else text


_current: contextvars.ContextVar[Printed | None] = contextvars.ContextVar("printed", default=None)


class _Router(io.TextIOBase):
    """Stands where `sys.stdout` stood."""

    def __init__(self, original: TextIO) -> None:
        self.original = original

    def write(self, text: str, /) -> int:
        printed = _current.get()
        if printed is None:
            return self.original.write(text)
        printed.write("".join((text,)))  # refuses what is no text, as a file does
        return len(text)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return _current.get() is None and self.original.isatty()

    def flush(self) -> None:
        if _current.get() is None:
            self.original.flush()

    def fileno(self) -> int:
        return self.original.fileno()

    def close(self) -> None:
        """Stay open: a tool that closes standard output closes its own only."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.original.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.original.errors

    @property
    def buffer(self) -> Any:
        return _Bytes(self) if _current.get() is not None else self.original.buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer` inside a call."""

    def __init__(self, router: _Router) -> None:
        self._router = router

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        self._router.write(view.tobytes().decode("utf-8", "replace"))
        return view.nbytes


# One lock and one count, since there is one sys.stdout.
_lock = threading.Lock()
_users = 0
_router: _Router | None = None


def hold() -> None:
    """Put the router in place, if it isn't, until as many `release` as `hold` were called."""
    global _users, _router  # noqa: PLW0603  # there is one sys.stdout
    with _lock:
        _users += 1
        if _router is None or sys.stdout is not _router:
            if _router is None or _router.original is not sys.stdout:
                _router = _Router(sys.stdout)
            sys.stdout = _router


def release() -> None:
    """Take the router away, if nobody needs it any more."""
    global _users  # noqa: PLW0603
    with _lock:
        _users -= 1
        if _users == 0 and _router is not None and sys.stdout is _router:
            sys.stdout = _router.original  # the router is kept: the next call is not far


def start(printed: Printed) -> contextvars.Token[Printed | None]:
    """Catch what the current context prints."""
    return _current.set(printed)


def stop(token: contextvars.Token[Printed | None]) -> None:
    """Catch it no more."""
    _current.reset(token)
