"""When something was written down: the order of a process's entries, and nearly the time."""

from __future__ import annotations

import time

_latest = 0


def moment() -> int:
    """Return the milliseconds since the epoch (UTC); never less than was returned before."""
    global _latest  # noqa: PLW0603  # one clock a process
    _latest = max(_latest, time.time_ns() // 1_000_000)
    return _latest
