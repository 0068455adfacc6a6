"""How often a tool may be called: its own limit, over all agents of the process.

A call beyond it is refused at once and says when to come back; nobody waits here.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from bottega.errors import ToolError

if TYPE_CHECKING:
    from bottega.tools import Tool

_PACE = "_bottega_pace"
_lock = threading.Lock()


def keep_pace(tool: Tool, calls: int, seconds: float) -> None:
    """Count a call of the tool. Raises ToolError when there were so many in the last seconds."""
    now = time.monotonic()
    with _lock:
        made: deque[float] = tool.__dict__.setdefault(_PACE, deque[float]())
        while made and made[0] <= now - seconds:
            made.popleft()
        if len(made) < calls:
            made.append(now)
            return
        wait = made[0] + seconds - now
    name = tool.name or type(tool).__name__
    times = "once" if calls == 1 else f"{calls} times"
    problem = f"{name} may be called {times} in {seconds:g} s"
    raise ToolError(problem, hint=f"again in {math.ceil(wait)} s", retryable=True)
