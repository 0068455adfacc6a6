"""Where in a run the code at work stands: the node's visit, and the call in it.

Parallel branches do the same things in another order each time; what is kept by place is found
again whatever the order. Events and journals name places in their own ways.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_PLACE: ContextVar[str] = ContextVar("bottega_place", default="")


def place() -> str:
    """Return the place, its parts divided by slashes; empty outside a run."""
    return _PLACE.get()


def enter(name: str) -> None:
    """Go to a place, for the rest of the task at work."""
    _PLACE.set(name)


@contextmanager
def at(name: str) -> Generator[None, None, None]:
    """Be at a place while the block lasts."""
    token = _PLACE.set(name)
    try:
        yield
    finally:
        _PLACE.reset(token)


@contextmanager
def within(part: str) -> Generator[None, None, None]:
    """Go to a part of the place while the block lasts."""
    outer = _PLACE.get()
    with at(f"{outer}/{part}" if outer else part):
        yield
