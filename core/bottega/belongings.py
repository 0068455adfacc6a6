"""What a run keeps open until its end: sandboxes at work, and whatever else tools hold for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol, TypeVar, cast


class Closable(Protocol):
    """Something that can be closed."""

    async def aclose(self) -> None:
        """Close it; a second time does nothing."""
        ...


T = TypeVar("T", bound=Closable)


class Belongings:
    """The open things of one run, by name; whoever runs the run closes them with it."""

    __slots__ = ("_things",)

    def __init__(self) -> None:
        self._things: dict[Hashable, Closable] = {}

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        """Return the thing of that name, made when it is first asked for."""
        thing = self._things.get(name)
        if thing is None:
            thing = self._things[name] = make()
        return cast("T", thing)

    async def aclose(self) -> None:
        """Close everything, the last thing first, each of them whatever becomes of the others."""
        while self._things:
            _, thing = self._things.popitem()
            try:
                await thing.aclose()
            except OSError:  # what it held is gone already
                continue
