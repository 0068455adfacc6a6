"""The clock of a run: seconds that it has worked, over all its processes."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bottega import chance


@dataclass(slots=True)
class Clock:
    """Counts while the run works; stands still while a person is waited for."""

    earlier: float = 0.0
    """Seconds that processes before this one have counted."""
    _started: float = field(default_factory=time.monotonic)
    _waits: int = 0
    _waited: float = 0.0
    """Seconds of waits that are over."""
    _waits_since: float = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of work so far."""
        return chance.seconds(self._seconds)

    def _seconds(self) -> float:
        now = self._waits_since if self._waits else time.monotonic()
        return self.earlier + now - self._started - self._waited

    def go_on_from(self, seconds: float) -> None:
        """Take up what an earlier process had counted, if that is more."""
        self.earlier += max(0.0, seconds - self._seconds())

    @contextmanager
    def stopped(self) -> Generator[None, None, None]:
        """Count nothing in here; several may wait at once."""
        if not self._waits:
            self._waits_since = time.monotonic()
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
            if not self._waits:
                self._waited += time.monotonic() - self._waits_since
