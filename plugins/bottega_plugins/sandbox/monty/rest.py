"""A rest between monty's last work and the end of the process.

Its threads are none of Python's. They still give large values back when a session is over, and a
Python that ends meanwhile is aborted: in 3 of 10 tries after an argument of 20 MB (1.4.0), in none
with this rest, nor with small values.
"""

from __future__ import annotations

import atexit
import time

_SECONDS = 0.2


class Rest:
    """When monty worked last in this process."""

    def __init__(self) -> None:
        self._until = 0.0
        self._registered = False

    def begin(self) -> None:
        """Let the rest begin anew; the process ends after it."""
        if not self._registered:
            self._registered = True
            atexit.register(self._wait)
        self._until = time.monotonic() + _SECONDS

    def _wait(self) -> None:
        time.sleep(max(0.0, self._until - time.monotonic()))


rest = Rest()
