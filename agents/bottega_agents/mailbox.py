"""The way of a run's events from the graph's tasks to the one who reads the stream."""

from __future__ import annotations

import asyncio

from bottega.events import Event


class Mailbox:
    """Events on their way from the graph's tasks to the one who reads the stream."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._filled = asyncio.Event()
        self._closed = False

    def put(self, event: Event) -> None:
        """Add an event."""
        self._events.append(event)
        self._filled.set()

    def close(self, work: object) -> None:
        """Say that nothing more comes."""
        self._closed = True
        self._filled.set()

    async def take(self) -> list[Event]:
        """Wait for events and return all there are; none when nothing more comes."""
        if not self._events and not self._closed:
            self._filled.clear()
            await self._filled.wait()
        taken, self._events = self._events, []
        return taken
