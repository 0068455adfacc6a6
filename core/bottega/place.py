"""Where in a run the code at work stands: the node's visit, and the call in it.

Parallel branches do the same things in another order each time; what is kept by place is found
again whatever the order. Events and journals name places in their own ways.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar

_PLACE: ContextVar[str] = ContextVar("bottega_place", default="")


def place() -> str:
    """Return the place, its parts divided by slashes; empty outside a run."""
    return _PLACE.get()


def enter(name: str) -> None:
    """Go to a place, for the rest of the task at work."""
    _PLACE.set(name)


def at(name: str) -> AbstractContextManager[None]:
    """Be at a place while the block lasts."""
    return _Stay(name)


def within(part: str) -> AbstractContextManager[None]:
    """Go to a part of the place while the block lasts."""
    outer = _PLACE.get()
    return _Stay(f"{outer}/{part}" if outer else part)


class _Stay(AbstractContextManager[None]):
    """A generator would do, at five times the cost: each call of a tool goes through two."""

    __slots__ = ("_name", "_token")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._token = _PLACE.set(self._name)

    def __exit__(self, *raised: object) -> None:
        _PLACE.reset(self._token)
